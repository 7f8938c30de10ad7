import type { MdMethods } from "../types/methods.js";
import type { Gap } from "../types/common.js";
import type { Messages } from "../types/md.pushes.js";
import type { DepthMarketDataField, RspUserLoginField } from "../types/md.replies.js";
import { Connection, type ConnectionEvents, type ConnectionOptions, type Incoming } from "./connection.js";
import { ConnectionLost } from "./errors.js";
import { md as methods } from "./generated/methods.js";

export type Tick = DepthMarketDataField;

export interface MdOptions extends ConnectionOptions {
  /** "gap", "stale", "front", "error", with commas between. */
  notices?: string;
}

export interface MdEvents extends ConnectionEvents, Messages {
  tick: Tick;
  Gap: Gap;
}

type Lists = "SubscribeMarketData" | "UnSubscribeMarketData";

/** Market data. After a loss of the connection everything is subscribed again. */
export class MdClient extends Connection<MdEvents> {
  /** The reply to the last login: TradingDay … */
  session: RspUserLoginField | null = null;
  readonly #instruments = new Set<string>();

  constructor(protected override readonly options: MdOptions) {
    super(options, "/md/", options.notices ? { notices: options.notices } : {});
  }

  /** Raises Refused when any of them is refused; ConnectionLost: subscribed after the next login. */
  async subscribe(...instruments: string[]): Promise<void> {
    for (const name of instruments) this.#instruments.add(name);
    await this.#list("SubscribeMarketData", instruments);
  }

  async unsubscribe(...instruments: string[]): Promise<void> {
    for (const name of instruments) this.#instruments.delete(name);
    await this.#list("UnSubscribeMarketData", instruments);
  }

  /** The last tick of each, null where there is none. */
  async snapshot(...instruments: string[]): Promise<(Tick | null)[]> {
    this.check("QueryMarketSnapshot");
    const rows = await this.exchange("QueryMarketSnapshot", { InstrumentID: instruments });
    return rows.map((row) => (row["DepthMarketData"] as Tick | null | undefined) ?? null);
  }

  /** Any other request. Raises Refused, ConnectionLost, NoAnswer. */
  async call<Name extends keyof MdMethods>(
    name: Name,
    payload: MdMethods[Name]["payload"],
  ): Promise<MdMethods[Name]["row"][]> {
    this.check(name);
    const [payloadKey, rowKey] = methods[name];
    const rows = await this.exchange(name, { [payloadKey]: payload });
    return rows.map((row) => row[rowKey]).filter((row) => row != null) as MdMethods[Name]["row"][];
  }

  /** Subscribes, and yields ticks until the client is closed or the loop is left. Who is slower
   * than the market gets the newest tick of each instrument. */
  async *ticks(...instruments: string[]): AsyncGenerator<Tick, void> {
    const wanted = new Set(instruments);
    const waiting = new Map<string, Tick>();
    let ended = this.closed;
    let wake = (): void => {};
    const ends = [
      this.on("tick", (tick) => {
        if (!wanted.has(tick.InstrumentID)) return;
        waiting.delete(tick.InstrumentID); // to the end of the line
        waiting.set(tick.InstrumentID, tick);
        wake();
      }),
      this.on("end", () => {
        ended = true;
        wake();
      }),
    ];
    try {
      await this.subscribe(...instruments).catch((error: unknown) => {
        if (!(error instanceof ConnectionLost)) throw error; // else after the next login
      });
      while (!ended) {
        const [next] = waiting;
        if (next === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
        } else {
          waiting.delete(next[0]);
          yield next[1];
        }
      }
    } finally {
      for (const end of ends) end();
    }
  }

  protected override async login(): Promise<void> {
    const reply = await this.exchangeLogin({ ReqUserLogin: {} });
    this.session = reply["RspUserLogin"] as RspUserLoginField;
    // Its answer is awaited by nobody: an instrument that has expired must not end the others.
    if (this.#instruments.size > 0) {
      this.post("SubscribeMarketData", { InstrumentID: [...this.#instruments] });
    }
  }

  protected override take(message: Incoming): void {
    if (message.MsgType === "RtnDepthMarketData") {
      this.emit("tick", message["DepthMarketData"] as Tick);
    }
    this.emit(message.MsgType as keyof MdEvents, message as never);
  }

  async #list(name: Lists, instruments: string[]): Promise<void> {
    this.check(name);
    if (instruments.length > 0) await this.exchange(name, { InstrumentID: instruments });
  }
}
