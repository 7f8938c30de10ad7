// Against a running group, whose address is in CTPBUS_URL; tests/process/test_typescript.py starts it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { WebSocket } from "ws";

import { ConnectionLost, MdClient, NoAnswer, Refused, TdClient, values } from "../dist/index.js";
import { Proxy } from "./proxy.mjs";

const gatewayUrl = process.env.CTPBUS_URL;
const token = process.env.CTPBUS_TOKEN;
// Of a second ws_edge of the group, and the process of the first, which may be stopped for a while.
const otherUrl = process.env.CTPBUS_OTHER_URL;
const pid = Number(process.env.CTPBUS_PID);
const login = { user: "028742", password: "123456", token, WebSocket, retryMs: [20, 200] };
const LIMIT = { timeout: 30_000 };
let direct, names, rests, fills;

/** An order for one lot, at a price that rests or fills. */
const lot = (price) => ({
  ...names,
  Direction: values.Direction.Buy,
  CombOffsetFlag: values.OffsetFlag.Open,
  CombHedgeFlag: "1",
  OrderPriceType: values.OrderPriceType.LimitPrice,
  LimitPrice: price,
  VolumeTotalOriginal: 1,
  TimeCondition: values.TimeCondition.GFD,
  VolumeCondition: values.VolumeCondition.AV,
  MinVolume: 1,
  ContingentCondition: values.ContingentCondition.Immediately,
  ForceCloseReason: values.ForceCloseReason.NotForceClose,
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const next = (client, name, accept = () => true) =>
  new Promise((resolve) => {
    const end = client.on(name, (value) => {
      if (!accept(value)) return;
      end();
      resolve(value);
    });
  });

/** A client behind a proxy, and both closed at the end of the test. */
async function behind(context, options = {}, Client = TdClient) {
  const proxy = await Proxy.to(gatewayUrl);
  const client = new Client({ ...login, url: proxy.url, ...options });
  context.after(() => {
    client.close();
    proxy.close();
  });
  await client.connect();
  return [client, proxy];
}

const known = async () => (await direct.call("ReqQryOrder", { InstrumentID: names.InstrumentID }, { Fresh: true })).length;

before(async () => {
  direct = new TdClient({ ...login, url: gatewayUrl });
  await direct.connect();
  const [instrument] = await direct.call("ReqQryInstrument", { ProductID: "rb" });
  names = { InstrumentID: instrument.InstrumentID, ExchangeID: instrument.ExchangeID };
  const [prices] = await direct.call("ReqQryDepthMarketData", names);
  [rests, fills] = [prices.LowerLimitPrice, prices.UpperLimitPrice];
});

after(() => direct.close());

test("rows are the payloads, and none is an empty list", LIMIT, async () => {
  assert.match(direct.session.TradingDay, /^\d{8}$/);
  const exchanges = await direct.call("ReqQryExchange", {});
  assert.ok(exchanges.some(({ ExchangeID }) => ExchangeID === "SHFE"));
  assert.deepEqual(await direct.call("ReqQryInstrument", { InstrumentID: "none" }), []);
  assert.deepEqual(await direct.call("ReqQryTrade", { InstrumentID: "none" }), []);
});

test("a wrong password is an error and is not tried again", LIMIT, async (context) => {
  const proxy = await Proxy.to(gatewayUrl);
  context.after(() => proxy.close());
  const client = new TdClient({ ...login, url: proxy.url, password: "wrong" });
  const end = next(client, "end");
  await assert.rejects(client.connect(), (error) => error instanceof Refused && error.errorId === 3);
  assert.equal((await end).errorId, 3);
  assert.equal(proxy.connections, 1);
});

test("who the client is to the gateway can be said in the first message", LIMIT, async (context) => {
  await behind(context, { token: undefined, gateway: { Token: token } });
  await behind(context, { token: undefined, gateway: { Token: token } }, MdClient);
});

test("whom the gateway does not know is told so, once", { ...LIMIT, skip: !token }, async (context) => {
  for (const gateway of [{ Token: "another" }, undefined]) {
    const proxy = await Proxy.to(gatewayUrl);
    context.after(() => proxy.close());
    const client = new TdClient({ ...login, url: proxy.url, token: undefined, gateway });
    await assert.rejects(client.connect(), (error) => error instanceof Refused && error.errorId === -401);
    assert.equal(proxy.connections, 1);
  }
});

test("where nobody listens connect ends in time", LIMIT, async () => {
  const client = new TdClient({ ...login, url: "ws://127.0.0.1:1", connectMs: 300 });
  await assert.rejects(client.connect(), NoAnswer);
  assert.throws(() => client.place(lot(1)), ConnectionLost);
});

test("a wrong address and a missing WebSocket are told at once", LIMIT, async () => {
  const wrong = new TdClient({ ...login, url: "no address" });
  await assert.rejects(wrong.connect(), SyntaxError);
  const without = new TdClient({ ...login, url: gatewayUrl, WebSocket: undefined });
  if (globalThis.WebSocket === undefined) await assert.rejects(without.connect(), TypeError);
  without.close();
});

test("an order that fills has its trade", LIMIT, async () => {
  const order = direct.place(lot(fills));
  await order.wait();
  assert.equal(order.state, "FILLED");
  await order.wait(({ trades }) => trades.length > 0);
  assert.equal(order.trades[0].Volume, 1);
  assert.equal(order.volumeTraded, 1);
});

test("an order that rests is cancelled", LIMIT, async () => {
  const order = direct.place(lot(rests));
  await order.wait(({ state }) => state === "ACK");
  assert.equal((await direct.cancel(order)).state, "CANCELLED");
  assert.equal(await direct.cancel(order), order);
});

test("what the counter refuses is rejected with its reason", LIMIT, async () => {
  const order = direct.place({ ...lot(fills), InstrumentID: "none" });
  await order.wait();
  assert.deepEqual([order.state, order.errorId], ["REJECTED", 16]);
  assert.match(order.errorMsg, /CTP/);
});

test("what the gateway refuses was not sent", LIMIT, async () => {
  const order = direct.place({ ...lot(fills), Direction: "01" });
  await order.wait();
  assert.deepEqual([order.state, order.errorId], ["NOT_SENT", -400]);
});

test("the same id makes one order, of whichever client", LIMIT, async (context) => {
  const [client] = await behind(context);
  const count = await known();
  const first = direct.place(lot(fills), { id: "node-1" });
  assert.equal(direct.place(lot(fills), { id: "node-1" }), first);
  await first.wait();
  const again = client.place(lot(fills), { id: "node-1" });
  await again.wait();
  assert.ok(again.outcome.Duplicate);
  assert.equal(again.outcome.OrderID, first.outcome.OrderID);
  assert.equal(await known(), count + 1);
});

test("an order whose answer is lost is known after the next login, and was sent once", LIMIT, async (context) => {
  const [client, proxy] = await behind(context);
  const count = await known();
  proxy.swallow.down = true;
  const order = client.place(lot(fills));
  while ((await known()) === count);
  assert.equal(order.state, "INTENT");
  proxy.swallow.down = false;
  proxy.cut();
  await order.wait();
  assert.equal(order.state, "FILLED");
  assert.equal(await known(), count + 1);
  await order.wait(({ trades }) => trades.length === 1);
});

test("an order that never arrived is said to be not sent, after its deadline", LIMIT, async (context) => {
  const [client, proxy] = await behind(context, { askMs: 100 });
  const count = await known();
  proxy.swallow.up = true;
  const order = client.place(lot(fills), { deadlineMs: 500 });
  proxy.swallow.up = false;
  proxy.cut();
  await order.wait();
  assert.equal(order.state, "NOT_SENT");
  assert.ok(performance.now() - order.sentAt > 500);
  assert.equal(await known(), count);
});

test("what is not sent stays so, when a gateway that stood still hands it over", { ...LIMIT, skip: !pid }, async (context) => {
  const [client, proxy] = await behind(context, { askMs: 100 });
  const other = new TdClient({ ...login, url: otherUrl });
  context.after(() => other.close());
  await other.connect();
  const count = await known();
  process.kill(pid, "SIGSTOP");
  try {
    const passed = proxy.passed(300);
    const order = client.place(lot(fills), { id: "frozen", deadlineMs: 300 });
    await passed;
    proxy.target = otherUrl;
    proxy.forsake();
    await order.wait();
    assert.deepEqual([order.state, order.errorId], ["NOT_SENT", -410]);
    assert.equal(client.place(lot(fills), { id: "frozen" }), order);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  while (!proxy.late.includes("RspOrderInsert")) await pause(10);
  assert.match(proxy.late, /"ErrorID":-410/);
  assert.equal(await known(), count);
  const again = other.place(lot(fills), { id: "frozen" });
  assert.equal((await again.wait()).state, "NOT_SENT");
  assert.equal(again.errorId, -410);
});

test("returns that were missed come after the next login", LIMIT, async (context) => {
  const [client, proxy] = await behind(context);
  const order = client.place(lot(rests));
  // Its first return has no number of the exchange yet, and the second may come later than the ACK.
  await order.wait(({ returned }) => returned?.OrderStatus === "3");
  const { OrderSysID } = order.returned;
  const lost = next(client, "lost");
  proxy.swallow.down = true;
  direct.send("ReqOrderAction", { ...names, OrderSysID, ActionFlag: "0" });
  await next(direct, "RtnOrder", ({ Order }) => Order.OrderSysID === OrderSysID && Order.OrderStatus === "5");
  assert.equal(order.state, "ACK");
  const missed = next(client, "RtnOrder", ({ Order }) => Order.OrderSysID === OrderSysID);
  proxy.cut();
  proxy.swallow.down = false;
  await lost;
  assert.equal((await missed).Order.OrderStatus, "5");
  assert.equal((await order.wait()).state, "CANCELLED");
});

test("a request on a connection that ends fails, and the next one is answered", LIMIT, async (context) => {
  const [client, proxy] = await behind(context);
  proxy.swallow.up = true;
  const asked = client.call("ReqQryTradingAccount", {});
  proxy.cut();
  proxy.swallow.up = false;
  await assert.rejects(asked, ConnectionLost);
  await client.connect();
  assert.equal((await client.call("ReqQryTradingAccount", {})).length, 1);
});

test("a gateway that says nothing is left for a new connection", LIMIT, async (context) => {
  const [client, proxy] = await behind(context, { silenceMs: 1500 });
  proxy.swallow.down = true;
  await next(client, "lost");
  proxy.swallow.down = false;
  await next(client, "ready");
  assert.equal((await client.call("ReqQryTradingAccount", {})).length, 1);
});

test("ticks go on after the connection was lost", LIMIT, async (context) => {
  const [client, proxy] = await behind(context, { notices: "gap,stale" }, MdClient);
  let seen = 0;
  for await (const tick of client.ticks("600000", names.InstrumentID)) {
    assert.ok(tick.LastPrice > 0);
    if (seen === 0) proxy.cut();
    if ((seen += 1) === 6) break;
  }
  assert.equal(proxy.connections, 2);
  const [last, none] = await client.snapshot("600000", "none");
  assert.deepEqual([last.InstrumentID, none], ["600000", null]);
  await client.unsubscribe("600000");
});

test("ticks may be asked for before there is a connection, and end with the client", LIMIT, async () => {
  const client = new MdClient({ ...login, url: gatewayUrl });
  await assert.rejects(client.snapshot("600000"), ConnectionLost);
  const ticks = client.ticks("600000");
  const first = ticks.next();
  await client.connect();
  assert.equal((await first).value.InstrumentID, "600000");
  client.close();
  for await (const tick of ticks) assert.equal(tick.InstrumentID, "600000");
  for await (const tick of client.ticks("600000")) assert.fail(tick);
});

test("a listener's fault is not the client's", LIMIT, async (context) => {
  const faults = [];
  // The test runner keeps uncaught errors to itself.
  context.mock.method(globalThis, "queueMicrotask", (run) => {
    try {
      run();
    } catch (error) {
      faults.push(error.message);
    }
  });
  const end = direct.on("order", () => {
    end();
    throw new Error("mine");
  });
  const order = direct.place(lot(fills));
  assert.equal((await order.wait()).state, "FILLED");
  assert.deepEqual(faults, ["mine"]);
});

test("a closed client is closed", LIMIT, async (context) => {
  const [client, proxy] = await behind(context);
  const end = next(client, "end");
  client.close();
  assert.equal(await end, null);
  await assert.rejects(client.connect(), ConnectionLost);
  await assert.rejects(client.call("ReqQryTrade", {}), ConnectionLost);
  assert.equal(proxy.connections, 1);
});
