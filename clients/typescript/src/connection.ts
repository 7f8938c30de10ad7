import type { GatewayLogin } from "../types/td.requests.js";
import { Emitter } from "./emitter.js";
import { ConnectionLost, NoAnswer, Refused } from "./errors.js";

/** What is used of a WebSocket; the browser's, Node 22's and that of `ws` have it. */
export interface WebSocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** Of `ws`: without waiting for the other side. */
  terminate?(): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

export interface ConnectionOptions {
  /** Of the gateway, without a path: "ws://127.0.0.1:8080". */
  url: string;
  /** Offered as a subprotocol, so that it stands in no URL. */
  token?: string;
  /** Said in the first message instead: who the client is to the gateway, not to the counter. */
  gateway?: GatewayLogin["GatewayLogin"];
  /** Where there is no global one (Node before 22): that of the package `ws`. */
  WebSocket?: WebSocketConstructor;
  /** How long `connect` tries before it fails. */
  connectMs?: number;
  /** Of a request without news. */
  answerMs?: number;
  /** Nothing from the gateway for so long, its Pings included, is the end of a connection. */
  silenceMs?: number;
  /** Between two attempts to connect: the first pause, and the longest. */
  retryMs?: [number, number];
}

/** A message of the gateway, before its MsgType is looked at. */
export interface Incoming {
  MsgType: string;
  RspInfo?: { ErrorID: number; ErrorMsg: string } | null;
  RequestID?: number;
  IsLast?: boolean;
  Detail?: string;
  Place?: string;
  [key: string]: unknown;
}

export interface ConnectionEvents {
  /** Logged in; `again`: not for the first time. */
  ready: { again: boolean };
  /** A connection that was logged in has ended, and another one is tried. */
  lost: { reason: string };
  /** It ended for good: `close` was called (null), or the login was refused. */
  end: Error | null;
  /** Every message, as it came. */
  message: Incoming;
}

interface Pending {
  name: string;
  rows: Incoming[];
  timer: ReturnType<typeof setTimeout>;
  resolve: (rows: Incoming[]) => void;
  reject: (error: Error) => void;
}

const NOT_LOGGED_IN = -401;
// The front is away, or busy: the same login may do later.
const TEMPORARY = new Set([-1, 7, 8, 90]);
const DEFAULTS = { connectMs: 30_000, answerMs: 65_000, silenceMs: 75_000 };

/** One socket that is made anew when it ends, with its login, and the requests on it. */
export abstract class Connection<Events extends ConnectionEvents> extends Emitter<Events> {
  #socket: WebSocketLike | null = null;
  #ready = false;
  #wasReady = false;
  #closed = false;
  #running = false;
  #requestId = 0;
  #wake: (() => void) | null = null;
  #end: ((reason: Error | string) => void) | null = null;
  #login: Pending | null = null;
  readonly #pending = new Map<number, Pending>();
  readonly #waiting = new Set<{ resolve: () => void; reject: (error: Error) => void }>();

  constructor(
    protected readonly options: ConnectionOptions,
    private readonly path: string,
    private readonly query: Record<string, string>,
  ) {
    super();
  }

  /** Whether requests can be sent now. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Whether it ended for good. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Connects and logs in. Raises Refused, NoAnswer, and what a wrong URL raises. Afterwards the client keeps itself connected. */
  async connect(): Promise<void> {
    if (this.#closed) throw new ConnectionLost("closed");
    if (this.#ready) return;
    const done = new Promise<void>((resolve, reject) => this.#waiting.add({ resolve, reject }));
    if (!this.#running) {
      this.#running = true;
      void this.#run();
    }
    const { connectMs } = { ...DEFAULTS, ...this.options };
    const timer = setTimeout(() => {
      this.#release(new NoAnswer(`not connected within ${connectMs} ms`));
      if (!this.#wasReady) this.#finish(null);
    }, connectMs);
    try {
      await done;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection for good. */
  close(): void {
    this.#finish(null);
  }

  /** What the login of this path is; it sends by `exchange`. Raises Refused. */
  protected abstract login(): Promise<void>;

  /** A message that answers no request of `exchange`. */
  protected abstract take(message: Incoming): void;

  /** The connection was lost; requests without an answer have failed already. */
  protected onLost(): void {}

  /** It has ended for good; nothing more is heard. */
  protected onEnd(_error: Error): void {}

  /** Raises ConnectionLost when requests cannot be sent now. */
  protected check(name: string): void {
    if (!this.#ready) throw new ConnectionLost(`${name}: not logged in`);
  }

  /** Sends a message and gives the rows of its answer. Raises Refused, ConnectionLost, NoAnswer. */
  protected async exchange(name: string, keys: Record<string, unknown>): Promise<Incoming[]> {
    return new Promise((resolve, reject) => {
      const requestId = this.post(name, keys);
      const pending = { name, rows: [], resolve, reject, timer: this.#timer(name, requestId) };
      this.#pending.set(requestId, pending);
    });
  }

  /** The same for a login, whose answer has no RequestID. */
  protected async exchangeLogin(keys: Record<string, unknown>): Promise<Incoming> {
    return new Promise((resolve, reject) => {
      const requestId = this.post("ReqUserLogin", keys);
      const timer = this.#timer("ReqUserLogin", requestId);
      const first = (rows: Incoming[]): void => resolve(rows[0]!);
      this.#login = { name: "ReqUserLogin", rows: [], timer, resolve: first, reject };
      this.#pending.set(requestId, this.#login);
    });
  }

  /** Sends a message, and gives its RequestID. Raises ConnectionLost, or RangeError for a number
   * that JSON does not have, and then nothing was sent. */
  protected post(name: string, keys: Record<string, unknown>): number {
    if (this.#socket === null) throw new ConnectionLost(`${name}: not connected`);
    this.#requestId = (this.#requestId % 0x7fffffff) + 1;
    this.#socket.send(JSON.stringify({ MsgType: name, ...keys, RequestID: this.#requestId }, finite));
    return this.#requestId;
  }

  // -- the life of the connection ----------------------------------------------------------

  async #run(): Promise<void> {
    const [first, longest] = this.options.retryMs ?? [100, 5_000];
    let pause = first;
    while (!this.#closed) {
      let end;
      try {
        end = await this.#attempt();
      } catch (error) {
        this.#finish(error as Error); // there is no WebSocket, or the URL is none
        return;
      }
      const { reason, wasReady } = end;
      if (this.#closed) return;
      if (reason instanceof Refused && !TEMPORARY.has(reason.errorId)) {
        this.#finish(reason);
        return;
      }
      if (wasReady) {
        pause = first;
        this.emit("lost", { reason: String(reason) } as Events["lost"]);
      }
      // Not all clients of a gateway that was started anew at the same moment.
      await this.#sleep(pause * (0.5 + Math.random()));
      pause = Math.min(2 * pause, longest);
    }
  }

  /** One connection from its beginning to its end; why it ended, and whether it was logged in. */
  #attempt(): Promise<{ reason: Error | string; wasReady: boolean }> {
    return new Promise((resolve) => {
      const socket = this.#open();
      const { silenceMs } = { ...DEFAULTS, ...this.options };
      let heard = Date.now();
      const watch = setInterval(() => {
        if (Date.now() - heard > silenceMs) end("silent");
      }, silenceMs / 4);
      let over = false;
      const end = (reason: Error | string): void => {
        if (over) return;
        over = true;
        clearInterval(watch);
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.onerror = () => {};
        this.#end = null;
        reason === "silent" && socket.terminate ? socket.terminate() : socket.close();
        const wasReady = this.#ready;
        this.#lose();
        resolve({ reason, wasReady });
      };
      this.#end = end;
      socket.onerror = () => end("cannot connect");
      socket.onclose = (event) => end(`closed: ${event.code} ${event.reason}`);
      socket.onmessage = (event) => {
        heard = Date.now();
        this.#hear(JSON.parse(event.data) as Incoming);
      };
      socket.onopen = () => {
        this.#socket = socket;
        this.#enter().then(() => this.#arrive(), end);
      };
    });
  }

  async #enter(): Promise<void> {
    const { gateway } = this.options;
    if (gateway !== undefined) await this.exchange("GatewayLogin", { GatewayLogin: gateway });
    await this.login();
  }

  #open(): WebSocketLike {
    const WebSocket = this.options.WebSocket ?? (globalThis as any).WebSocket;
    if (WebSocket === undefined) {
      throw new TypeError("there is no global WebSocket: give that of the package ws as an option");
    }
    const query = new URLSearchParams({ heartbeat: "1", ...this.query });
    const url = `${this.options.url.replace(/\/+$/, "")}${this.path}?${query}`;
    return this.options.token ? new WebSocket(url, [this.options.token]) : new WebSocket(url);
  }

  #arrive(): void {
    if (this.#socket === null) return;
    const again = this.#wasReady;
    this.#ready = this.#wasReady = true;
    this.emit("ready", { again } as Events["ready"]);
    this.#release(null);
  }

  #lose(): void {
    this.#ready = false;
    this.#socket = null;
    for (const [requestId, pending] of [...this.#pending]) {
      this.#settle(requestId);
      pending.reject(new ConnectionLost(`${pending.name}: the connection ended before the answer`));
    }
    this.onLost();
  }

  #finish(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end?.("closed");
    this.#wake?.();
    this.#release(error ?? new ConnectionLost("closed"));
    this.onEnd(error ?? new ConnectionLost("closed"));
    this.emit("end", error as Events["end"]);
  }

  #release(error: Error | null): void {
    for (const { resolve, reject } of [...this.#waiting]) error === null ? resolve() : reject(error);
    this.#waiting.clear();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // -- messages ----------------------------------------------------------------------------

  #hear(message: Incoming): void {
    if (message.MsgType === "Ping") {
      this.#socket?.send('{"MsgType":"Pong"}');
      return;
    }
    this.emit("message", message as Events["message"]);
    this.#dispatch(message);
    // A td_worker that was started anew does not know the login.
    if (this.#ready && message.RspInfo?.ErrorID === NOT_LOGGED_IN) this.#end?.("not logged in");
  }

  #dispatch(message: Incoming): void {
    const requestId = this.#answered(message);
    const pending = this.#pending.get(requestId);
    if (pending === undefined) {
      this.take(message);
      return;
    }
    pending.rows.push(message);
    const error = message.RspInfo?.ErrorID ? refusal(pending.name, message) : null;
    if (error !== null || message.IsLast) {
      this.#settle(requestId);
      error === null ? pending.resolve(pending.rows) : pending.reject(error);
    } else {
      clearTimeout(pending.timer);
      pending.timer = this.#timer(pending.name, requestId);
    }
  }

  /** The RequestID of what a message answers; 0: of nothing. */
  #answered(message: Incoming): number {
    if (message.MsgType !== "RspUserLogin" && message.MsgType !== "RspAuthenticate") {
      return message.RequestID ?? 0;
    }
    for (const [requestId, pending] of this.#pending) {
      if (pending === this.#login) return requestId;
    }
    return message.RequestID ?? 0;
  }

  #settle(requestId: number): void {
    clearTimeout(this.#pending.get(requestId)?.timer);
    this.#pending.delete(requestId);
  }

  #timer(name: string, requestId: number): ReturnType<typeof setTimeout> {
    const { answerMs } = { ...DEFAULTS, ...this.options };
    return setTimeout(() => {
      const pending = this.#pending.get(requestId);
      this.#settle(requestId);
      pending?.reject(new NoAnswer(`${name}: no answer within ${answerMs} ms`));
    }, answerMs);
  }
}

/** JSON would make null of it, which the gateway takes for 0. */
function finite(key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(`${key}: ${value}`);
  return value;
}

export function refusal(request: string, message: Incoming): Refused {
  const { ErrorID, ErrorMsg } = message.RspInfo ?? { ErrorID: 0, ErrorMsg: "" };
  return new Refused(request, ErrorID, ErrorMsg, message.Detail);
}
