import type { OrderOutcome } from "../types/td.pushes.js";
import type { InputOrderField } from "../types/td.requests.js";
import type { OrderField, TradeField } from "../types/td.rows.js";

export type Outcome = OrderOutcome["OrderOutcome"];
export type OrderState = Outcome["State"];

const FINAL: ReadonlySet<OrderState> = new Set(["REJECTED", "NOT_SENT", "FILLED", "CANCELLED"]);

/** An order of this client, and what is known of it. It changes by itself until it is final. */
export class Order {
  state: OrderState = "INTENT";
  /** Lots. */
  volumeTraded = 0;
  errorId = 0;
  errorMsg = "";
  /** The last one of each, as it came; null before the first. */
  outcome: Outcome | null = null;
  returned: OrderField | null = null;
  readonly trades: TradeField[] = [];
  /** When it was sent, by `performance.now()`. */
  readonly sentAt = performance.now();
  readonly #waiting = new Set<{
    until: (order: Order) => boolean;
    resolve: () => void;
    reject: (error: Error) => void;
  }>();
  #end: Error | null = null;

  /** `id` is the ClientOrderID, by which it is known also after a new start of everything. */
  constructor(
    readonly id: string,
    readonly input: InputOrderField,
    readonly deadlineMs: number,
  ) {}

  get final(): boolean {
    return FINAL.has(this.state);
  }

  /** How every client of the account sees it; null before the gateway has told. */
  get identity(): { FrontID: number; SessionID: number; OrderRef: string } | null {
    const told = this.outcome ?? this.returned;
    if (told === null) return null;
    return { FrontID: told.FrontID, SessionID: told.SessionID, OrderRef: told.OrderRef };
  }

  /** Resolves when the order is final, or when `until` says so. An order without an answer stays
   * UNKNOWN for as long as nobody knows. Raises why the client has ended, if it has. */
  async wait(until: (order: Order) => boolean = (order) => order.final): Promise<Order> {
    if (until(this)) return this;
    if (this.#end !== null) throw this.#end;
    return new Promise((resolve, reject) => {
      this.#waiting.add({ until, resolve: () => resolve(this), reject });
    });
  }

  /** Whether a return or a trade is not about it any more: exchanges number orders anew each day. */
  isOver(news: { TradingDay: string }): boolean {
    const day = this.returned?.TradingDay;
    return Boolean(day && news.TradingDay && news.TradingDay !== day);
  }

  /** Nothing more is heard of it. */
  giveUp(error: Error): void {
    if (this.final) return;
    this.#end = error;
    if (this.state === "INTENT") this.state = "UNKNOWN";
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  /** What the gateway has on record. */
  tell(outcome: Outcome): void {
    this.outcome = outcome;
    this.#learn(outcome.State, outcome.VolumeTraded, outcome.ErrorID, outcome.ErrorMsg);
  }

  return(order: OrderField): void {
    if (order.VolumeTraded < this.volumeTraded) return; // of before
    this.returned = order;
    this.#learn(stateOf(order), order.VolumeTraded, 0, order.StatusMsg);
  }

  trade(trade: TradeField): void {
    const known = this.trades.some((one) => one.TradeID === trade.TradeID);
    if (!known) this.trades.push(trade);
    this.#changed();
  }

  /** It was not taken: `state` is REJECTED or NOT_SENT. */
  refuse(state: OrderState, errorId: number, errorMsg: string): void {
    this.#learn(state, 0, errorId, errorMsg);
  }

  #learn(state: OrderState, volumeTraded: number, errorId: number, errorMsg: string): void {
    // What had ended lives again only where its end was no more than a conclusion.
    const later = !this.final || FINAL.has(state) || this.state === "NOT_SENT";
    const earlier = state === "INTENT" || (state === "SENT" && this.state !== "INTENT");
    if (later && !earlier) {
      this.state = state;
      this.errorId = errorId;
      this.errorMsg = state === "REJECTED" || state === "NOT_SENT" ? errorMsg : "";
    }
    this.volumeTraded = Math.max(this.volumeTraded, volumeTraded);
    this.#changed();
  }

  #changed(): void {
    for (const one of [...this.#waiting]) {
      if (one.until(this)) {
        this.#waiting.delete(one);
        one.resolve();
      }
    }
  }
}

function stateOf(order: OrderField): OrderState {
  if (order.OrderStatus === "0") return "FILLED";
  if (order.OrderStatus !== "5") return "ACK";
  return order.OrderSubmitStatus === "4" ? "REJECTED" : "CANCELLED";
}
