// Moments that a real gateway hardly ever has; this one does what the test says.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionLost, Refused, TdClient } from "../dist/index.js";

const LIMIT = { timeout: 10_000 };
const LOT = { InstrumentID: "rb2610", ExchangeID: "SHFE", Direction: "0", LimitPrice: 3300, VolumeTotalOriginal: 1 };
const NONE = { ErrorID: 0, ErrorMsg: "" };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (fact) => {
  while (!fact()) await pause(5);
};

/** What the gateway knows of an order. */
const outcome = (id, State, more = {}) => ({
  ...{ OrderID: "20261123-1", ClientOrderID: id, State, Duplicate: false, FrontID: 1, SessionID: 7, OrderRef: "1" },
  ...{ ExchangeID: "SHFE", OrderSysID: "", OrderStatus: "", VolumeTraded: 0, ErrorID: 0, ErrorMsg: "", ...more },
});

class Gateway {
  /** By MsgType: the message that answers a request, or nothing. */
  answers = {
    ReqUserLogin: () => ({ MsgType: "RspUserLogin", RspInfo: NONE, IsLast: true, RspUserLogin: {} }),
    QryOrderOutcome: (request) => this.told("RspQryOrderOutcome", request, null),
  };
  heard = [];
  sockets = [];

  constructor(context, options = {}) {
    const gateway = this;
    class Socket {
      constructor() {
        gateway.sockets.push(this);
        setImmediate(() => this.onopen?.({}));
      }
      send(text) {
        const request = JSON.parse(text);
        gateway.heard.push(request);
        const answer = gateway.answers[request.MsgType]?.(request);
        if (answer) setImmediate(() => this.say(answer));
      }
      say(message) {
        this.onmessage?.({ data: JSON.stringify(message) });
      }
      close() {
        this.onclose?.({ code: 1012, reason: "" });
      }
    }
    const speed = { retryMs: [5, 10], askMs: 20, deadlineMs: 50 };
    const login = { url: "ws://scripted", user: "1", password: "1" };
    this.client = new TdClient({ ...login, ...speed, WebSocket: Socket, ...options });
    context.after(() => this.client.close());
  }

  told(MsgType, { RequestID }, OrderOutcome) {
    return { MsgType, RspInfo: NONE, RequestID, IsLast: true, OrderOutcome };
  }
  say(message) {
    this.sockets.at(-1).say(message);
  }
  /** An order that is taken. */
  async takes(id, more = {}) {
    const order = this.client.place(LOT, { id });
    this.say({ MsgType: "OrderOutcome", RspInfo: null, OrderOutcome: outcome(id, "ACK", more) });
    assert.equal(order.state, "ACK");
    return order;
  }
  count(name) {
    return this.heard.filter(({ MsgType }) => MsgType === name).length;
  }
}

test("whoever waits for an order is told when the client has ended", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  const { client } = gateway;
  await client.connect();
  const order = client.place(LOT);
  const waits = [order.wait(), client.cancel(order)];
  client.close();
  for (const wait of waits) await assert.rejects(wait, ConnectionLost);
  await assert.rejects(order.wait(), ConnectionLost);
  assert.equal(order.state, "UNKNOWN");
});

test("whoever waits is told when the login is refused for good", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  await gateway.client.connect();
  const order = await gateway.takes("a");
  const wait = order.wait();
  const refused = { ErrorID: 3, ErrorMsg: "CTP:不合法的登录" };
  gateway.answers.ReqUserLogin = () => ({ MsgType: "RspUserLogin", RspInfo: refused, IsLast: true });
  gateway.sockets.at(-1).close();
  await assert.rejects(wait, Refused);
  assert.equal(order.state, "ACK");
});

test("an order that is known to live is not called unsent when its record is gone", LIMIT, async (context) => {
  const gateway = new Gateway(context, { deadlineMs: -1000 }); // over with its beginning
  const { client } = gateway;
  await client.connect();
  const order = await gateway.takes("a");
  gateway.sockets.at(-1).close();
  await until(() => gateway.count("QryOrderOutcome") === 1);
  await pause(60);
  assert.equal(order.state, "ACK");
  assert.equal(gateway.count("VoidClientOrderID"), 0);
});

test("a question without an answer is asked again", LIMIT, async (context) => {
  const gateway = new Gateway(context, { answerMs: 30 });
  const { client } = gateway;
  gateway.answers.QryOrderOutcome = () => null;
  await client.connect();
  const order = client.place(LOT, { id: "a" });
  gateway.say({ MsgType: "RspOrderInsert", RspInfo: { ErrorID: -1, ErrorMsg: "" }, RequestID: gateway.heard.at(-1).RequestID });
  await until(() => gateway.count("QryOrderOutcome") >= 2);
  gateway.answers.QryOrderOutcome = (request) => gateway.told("RspQryOrderOutcome", request, outcome("a", "FILLED"));
  assert.equal((await order.wait()).state, "FILLED");
});

test("what is no number is not sent as none", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  await gateway.client.connect();
  assert.throws(() => gateway.client.place({ ...LOT, LimitPrice: NaN }, { id: "a" }), RangeError);
  assert.equal(gateway.count("ReqOrderInsert"), 0);
  assert.equal((await gateway.takes("a")).input.LimitPrice, 3300);
});

test("an id is that of one order, whatever becomes of the object that described it", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  const { client } = gateway;
  await client.connect();
  const input = { ...LOT };
  const order = client.place(input, { id: "a" });
  assert.equal(client.place({ ...LOT, MinVolume: undefined }, { id: "a" }), order);
  input.InstrumentID = "au2612";
  assert.equal(order.input.InstrumentID, "rb2610");
  assert.throws(() => client.place(input, { id: "a" }), RangeError);
  assert.equal(gateway.count("ReqOrderInsert"), 1);
});

test("a number that the exchange gives again on another day is another order", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  const { client } = gateway;
  await client.connect();
  const named = { ExchangeID: "SHFE", OrderSysID: "12", TradingDay: "20261123" };
  const returned = { FrontID: 1, SessionID: 7, OrderRef: "1", OrderStatus: "0", VolumeTraded: 1, ...named };
  const trade = { TradeID: "1", Volume: 1, ...named };
  const old = await gateway.takes("a", { OrderSysID: "12" });
  gateway.say({ MsgType: "RtnOrder", Order: { ...returned, OrderStatus: "3", VolumeTraded: 0 } });
  gateway.say({ MsgType: "RtnTrade", Trade: { ...trade, TradeID: "2", TradingDay: "20261124" } });
  assert.deepEqual(old.trades, []);
  const day = { TradingDay: "20261124" };
  const order = await gateway.takes("b", { OrderRef: "2" });
  gateway.say({ MsgType: "RtnOrder", Order: { ...returned, ...day, OrderRef: "2" } });
  gateway.say({ MsgType: "OrderOutcome", RspInfo: null, OrderOutcome: outcome("a", "ACK", { OrderSysID: "12" }) });
  gateway.say({ MsgType: "RtnTrade", Trade: { ...trade, ...day } });
  assert.equal(order.state, "FILLED");
  assert.deepEqual([order.trades.length, old.trades.length], [1, 0]);
  gateway.say({ MsgType: "RtnTrade", Trade: { ...trade, TradeID: "3", TradingDay: "20261125" } });
  assert.equal(order.trades.length, 1);
});

test("a cancel that the exchange refuses ends with its reason", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  const { client } = gateway;
  await client.connect();
  const [one, other] = [await gateway.takes("a"), await gateway.takes("b", { OrderRef: "2" })];
  const cancels = [client.cancel(one), client.cancel(other)];
  await until(() => gateway.count("ReqOrderAction") === 2);
  const { RequestID } = gateway.heard.at(-1);
  gateway.say({ MsgType: "RspOrderAction", RspInfo: NONE, RequestID, IsLast: true, InputOrderAction: {} });
  const action = { FrontID: 1, SessionID: 7, OrderRef: "1", ExchangeID: "SHFE", OrderSysID: "" };
  const why = { ErrorID: 26, ErrorMsg: "CTP:报单已全成交或已撤销，不能再撤" };
  gateway.say({ MsgType: "ErrRtnOrderAction", RspInfo: why, OrderAction: action });
  await assert.rejects(cancels[0], (error) => error instanceof Refused && error.errorId === 26);
  gateway.say({ MsgType: "RtnOrder", Order: { ...action, OrderRef: "2", OrderStatus: "5", VolumeTraded: 0 } });
  assert.equal((await cancels[1]).state, "CANCELLED");
});

test("an answer on a connection of before is not one to a request of now", LIMIT, async (context) => {
  const gateway = new Gateway(context);
  const { client } = gateway;
  await client.connect();
  const [before] = gateway.sockets;
  const deaf = before.onmessage;
  before.close();
  await client.connect();
  const order = client.place(LOT, { id: "a" });
  const { RequestID } = gateway.heard.at(-1);
  before.say({ MsgType: "RspOrderInsert", RspInfo: { ErrorID: -403, ErrorMsg: "" }, RequestID });
  assert.equal(before.onmessage, null);
  assert.notEqual(deaf, null);
  assert.equal(order.state, "INTENT");
  const ids = gateway.heard.map((request) => request.RequestID);
  assert.equal(new Set(ids).size, ids.length);
});
