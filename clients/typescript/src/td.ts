import type { TdMethods } from "../types/methods.js";
import type { Gap } from "../types/common.js";
import type { Messages, OrderActionField } from "../types/td.pushes.js";
import type { InputOrderField } from "../types/td.requests.js";
import type { RspUserLoginField } from "../types/td.replies.js";
import type { OrderField, TradeField } from "../types/td.rows.js";
import { Connection, refusal, type ConnectionEvents, type ConnectionOptions, type Incoming } from "./connection.js";
import { ConnectionLost } from "./errors.js";
import { td as methods } from "./generated/methods.js";
import { Order, type Outcome } from "./order.js";

export interface TdOptions extends ConnectionOptions {
  user: string;
  password: string;
  /** What else is told: "front", "status", "error" or "all". */
  notices?: string;
  /** Of an order: later than this it is not sent. */
  deadlineMs?: number;
  /** Between two questions about an order whose outcome is not known. */
  askMs?: number;
}

/** Pushes by their MsgType, and what the client tells by itself. */
export interface TdEvents extends ConnectionEvents, Messages {
  /** Any order of this client has changed. */
  order: Order;
  /** Returns are missing that nobody can bring back: query orders, trades and positions. */
  Gap: Gap;
}

const DEADLINE_MS = 5_000;
const ASK_MS = 3_000;
// Beyond the deadline, for the way to the gateway.
const GRACE_MS = 1_000;
const MOST_EARLY = 1_000;
// The gateway's number for an order whose id was made void.
const VOID_ID = -410;

/** Trading: requests, the account's returns, and orders with their outcome. */
export class TdClient extends Connection<TdEvents> {
  /** The reply to the last login: TradingDay, FrontID, SessionID … */
  session: RspUserLoginField | null = null;
  #place: string | null = null;
  readonly #orders = new Map<string, Order>();
  readonly #byIdentity = new Map<string, Order>();
  readonly #bySysId = new Map<string, Order>();
  readonly #byRequest = new Map<number, Order>();
  readonly #cancels = new Map<number, { order: Order; reject: (error: Error) => void }>();
  // Orders whose identity is not known yet, and returns that may be theirs.
  readonly #nameless = new Set<Order>();
  readonly #earlyOrders = new Map<string, OrderField>();
  readonly #earlyTrades = new Map<string, TradeField[]>();
  readonly #asking = new Set<Order>();

  constructor(protected override readonly options: TdOptions) {
    super(options, "/td/", { seq: "on", ...(options.notices ? { notices: options.notices } : {}) });
  }

  /** The orders of this client, by their ids. */
  get orders(): ReadonlyMap<string, Order> {
    return this.#orders;
  }

  /** A request that is always answered: queries, switches, transfers. The payload of each row.
   * Orders and cancels are answered only when they are refused: see `place` and `cancel`.
   * Raises Refused, ConnectionLost, NoAnswer. */
  async call<Name extends keyof TdMethods>(
    name: Name,
    payload: TdMethods[Name]["payload"],
    keys: { Fresh?: boolean; DeadlineMs?: number } = {},
  ): Promise<TdMethods[Name]["row"][]> {
    this.check(name);
    const [payloadKey, rowKey] = methods[name];
    const rows = await this.exchange(name, { [payloadKey]: payload, ...keys });
    return rows.map((row) => row[rowKey]).filter((row) => isPayload(row)) as TdMethods[Name]["row"][];
  }

  /** Sends a request and waits for nothing; what comes of it comes as an event. Its RequestID.
   * Raises ConnectionLost, and then nothing was sent. */
  send<Name extends keyof TdMethods>(
    name: Name,
    payload: TdMethods[Name]["payload"],
    keys: { DeadlineMs?: number } = {},
  ): number {
    this.check(name);
    return this.post(name, { [methods[name][0]]: payload, ...keys });
  }

  /** Sends an order once. `id` makes it known across new starts of this program: the same id never
   * makes a second order; one that this client knows already is given back. Raises ConnectionLost,
   * and RangeError for a number that is none and for the id of another order; then nothing was sent. */
  place(input: InputOrderField, { id = randomId(), deadlineMs = this.options.deadlineMs ?? DEADLINE_MS } = {}): Order {
    this.check("ReqOrderInsert");
    const known = this.#orders.get(id);
    // What the gateway has refused has left no trace; NOT_SENT by its record counts for ever.
    if (known !== undefined && (known.state !== "NOT_SENT" || known.outcome !== null)) {
      if (!isSame(known.input, input)) throw new RangeError(`${id} is the id of another order`);
      return known;
    }
    const order = new Order(id, { ...input }, deadlineMs);
    const keys = { InputOrder: input, ClientOrderID: id, DeadlineMs: deadlineMs };
    const requestId = this.post("ReqOrderInsert", keys);
    this.#orders.set(id, order);
    this.#nameless.add(order);
    this.#byRequest.set(requestId, order);
    return order;
  }

  /** Asks for the end of an order, and resolves when it is final, filled perhaps. Raises Refused;
   * ConnectionLost: ask again, it does no harm. */
  async cancel(order: Order): Promise<Order> {
    await order.wait(({ identity, final }) => identity !== null || final);
    if (order.final) return order;
    this.check("ReqOrderAction");
    const action = {
      ...order.identity!,
      ExchangeID: order.returned?.ExchangeID || order.input.ExchangeID || "",
      InstrumentID: order.input.InstrumentID ?? "",
      ActionFlag: "0",
    };
    const requestId = this.post("ReqOrderAction", { InputOrderAction: action });
    try {
      return await Promise.race([
        order.wait(),
        new Promise<never>((_, reject) => this.#cancels.set(requestId, { order, reject })),
      ]);
    } finally {
      this.#cancels.delete(requestId);
    }
  }

  /** Forgets orders that are final, of a program that runs for long. */
  forget(): void {
    for (const map of [this.#orders, this.#byIdentity, this.#bySysId, this.#byRequest]) {
      for (const [key, order] of map as Map<unknown, Order>) if (order.final) map.delete(key as never);
    }
  }

  protected override async login(): Promise<void> {
    const { user, password } = this.options;
    const resume = this.#place === null ? {} : { Resume: this.#place };
    const credentials = { UserID: user, Password: password };
    const reply = await this.exchangeLogin({ ReqUserLogin: credentials, ...resume });
    this.session = reply["RspUserLogin"] as RspUserLoginField;
    this.#keepPlace(reply);
    for (const order of this.#orders.values()) if (!order.final) void this.#ask(order);
  }

  protected override take(message: Incoming): void {
    this.#keepPlace(message);
    const order = this.#byRequest.get(message.RequestID ?? 0);
    const cancel = this.#cancels.get(message.RequestID ?? 0);
    if (message.MsgType === "OrderOutcome") {
      this.#onOutcome(message["OrderOutcome"] as Outcome);
    } else if (order !== undefined && message.RspInfo?.ErrorID) {
      this.#onRefusal(order, message);
    } else if (cancel !== undefined && message.RspInfo?.ErrorID) {
      cancel.reject(refusal("ReqOrderAction", message));
    } else if (message.MsgType === "ErrRtnOrderAction") {
      this.#onCancelRefused(message);
    } else if (message.MsgType === "RtnOrder") {
      this.#onReturn(message["Order"] as OrderField);
    } else if (message.MsgType === "RtnTrade") {
      this.#onTrade(message["Trade"] as TradeField);
    } else if (message.MsgType === "Gap") {
      for (const one of this.#orders.values()) if (!one.final) void this.#ask(one);
    }
    this.emit(message.MsgType as keyof TdEvents, message as never);
  }

  protected override onLost(): void {
    for (const { reject } of [...this.#cancels.values()]) {
      reject(new ConnectionLost("ReqOrderAction: the connection ended"));
    }
    this.#cancels.clear();
    this.#byRequest.clear();
  }

  protected override onEnd(error: Error): void {
    for (const order of this.#orders.values()) order.giveUp(error);
  }

  #keepPlace(message: Incoming): void {
    if (message.Place !== undefined) this.#place = message.Place;
  }

  // -- orders ------------------------------------------------------------------------------

  #onOutcome(outcome: Outcome): void {
    const order = this.#orders.get(outcome.ClientOrderID);
    if (order === undefined) return;
    order.tell(outcome);
    this.#nameless.delete(order);
    const key = identityOf(outcome);
    if (outcome.OrderRef !== "") this.#byIdentity.set(key, order);
    this.#number(order, outcome);
    const early = this.#earlyOrders.get(key);
    if (early !== undefined) this.#onReturn(early);
    if (this.#nameless.size === 0) {
      this.#earlyOrders.clear();
      this.#earlyTrades.clear();
    }
    this.emit("order", order);
  }

  #onReturn(returned: OrderField): void {
    const order = this.#byIdentity.get(identityOf(returned));
    if (order === undefined) {
      this.#keep(this.#earlyOrders, identityOf(returned), returned);
      return;
    }
    this.#number(order, returned);
    order.return(returned);
    this.emit("order", order);
  }

  #onTrade(trade: TradeField): void {
    const key = sysIdOf(trade);
    const order = this.#bySysId.get(key);
    if (order === undefined || order.isOver(trade)) {
      this.#keep(this.#earlyTrades, key, [...(this.#earlyTrades.get(key) ?? []), trade]);
      return;
    }
    order.trade(trade);
    this.emit("order", order);
  }

  /** The exchange's number of an order, by which its trades are known. */
  #number(order: Order, told: { ExchangeID: string; OrderSysID: string }): void {
    if (told.OrderSysID === "") return;
    const key = sysIdOf(told);
    const held = this.#bySysId.get(key);
    if (held !== undefined && held.sentAt > order.sentAt) return; // it is that order's number now
    this.#bySysId.set(key, order);
    for (const trade of this.#earlyTrades.get(key) ?? []) order.trade(trade);
    this.#earlyTrades.delete(key);
  }

  #keep<Value>(early: Map<string, Value>, key: string, value: Value): void {
    if (this.#nameless.size === 0) return; // it is another client's
    early.set(key, value);
    if (early.size > MOST_EARLY) early.delete(early.keys().next().value!);
  }

  /** By the exchange, which had it from the counter. */
  #onCancelRefused(message: Incoming): void {
    const action = message["OrderAction"] as OrderActionField | null;
    if (action === null) return;
    const order = this.#byIdentity.get(identityOf(action)) ?? this.#bySysId.get(sysIdOf(action));
    for (const cancel of [...this.#cancels.values()]) {
      if (cancel.order === order) cancel.reject(refusal("ReqOrderAction", message));
    }
  }

  #onRefusal(order: Order, message: Incoming): void {
    const { errorId, errorMsg, detail } = refusal("ReqOrderInsert", message);
    const text = detail ? `${errorMsg}: ${detail}` : errorMsg;
    if (errorId === -1 || errorId === -500) {
      void this.#ask(order, errorId, text); // it may have been sent all the same
      return;
    }
    this.#refuse(order, errorId < 0 ? "NOT_SENT" : "REJECTED", errorId, text);
  }

  #refuse(order: Order, state: "NOT_SENT" | "REJECTED", errorId: number, errorMsg: string): void {
    this.#nameless.delete(order);
    order.refuse(state, errorId, errorMsg);
    this.emit("order", order);
  }

  /** Rules out that it is sent: a ws_edge that stands still may have it in its buffer. */
  async #void(order: Order, errorId: number, errorMsg: string): Promise<void> {
    const named = { VoidClientOrderID: { ClientOrderID: order.id } };
    const [row] = await this.exchange("VoidClientOrderID", named);
    const outcome = row!["OrderOutcome"] as Outcome;
    const never = outcome.ErrorID === VOID_ID;
    this.#onOutcome(never ? { ...outcome, ErrorID: errorId, ErrorMsg: errorMsg } : outcome);
  }

  /** Asks what became of an order until that is known, or the connection ends. The error is what
   * it is told with when it was not sent. */
  async #ask(order: Order, errorId = VOID_ID, errorMsg = "it never reached the gateway"): Promise<void> {
    if (this.#asking.has(order)) return;
    this.#asking.add(order);
    try {
      while (!order.final) {
        const late = performance.now() - order.sentAt > order.deadlineMs + GRACE_MS;
        const asked = { QryOrderOutcome: { ClientOrderID: order.id } };
        const [row] = await this.exchange("QryOrderOutcome", asked);
        const outcome = row?.["OrderOutcome"] as Outcome | null;
        if (outcome) {
          this.#onOutcome(outcome);
          if (outcome.State !== "INTENT" && outcome.State !== "UNKNOWN" && outcome.State !== "SENT") return;
        } else if (order.outcome !== null) {
          return; // it is known by its returns, and its record is gone
        } else if (late) {
          await this.#void(order, errorId, errorMsg);
        }
        if (!order.final) await new Promise((resolve) => setTimeout(resolve, this.options.askMs ?? ASK_MS));
      }
    } catch (error) {
      // After the next login it is asked for again.
      if (!(error instanceof ConnectionLost)) {
        setTimeout(() => void this.#ask(order, errorId, errorMsg), this.options.askMs ?? ASK_MS);
      }
    } finally {
      this.#asking.delete(order);
    }
  }
}

function identityOf(of: { FrontID: number; SessionID: number; OrderRef: string }): string {
  return `${of.FrontID}/${of.SessionID}/${of.OrderRef.trim()}`;
}

/** What is undefined is not sent. */
function isSame(one: object, other: object): boolean {
  const sent = (of: object): string => JSON.stringify(Object.entries(of).filter(([, value]) => value !== undefined).sort());
  return sent(one) === sent(other);
}

function sysIdOf(of: { ExchangeID: string; OrderSysID: string }): string {
  return `${of.ExchangeID}/${of.OrderSysID.trim()}`;
}

/** A query without rows has null or {} in the place of one. */
function isPayload(row: unknown): boolean {
  return typeof row === "object" && row !== null && Object.keys(row).length > 0;
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
