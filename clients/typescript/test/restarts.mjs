// Places an order every 50 ms until its stdin ends, whatever happens to the gateway meanwhile. Then
// says what it believes, and what the counter has. CTPBUS_URL is the gateway's address.
import { WebSocket } from "ws";

import { ConnectionLost, TdClient, values } from "../dist/index.js";

const td = new TdClient({
  url: process.env.CTPBUS_URL,
  user: "100003",
  password: "123456",
  token: process.env.CTPBUS_TOKEN,
  WebSocket,
  retryMs: [20, 200],
  askMs: 200,
  deadlineMs: 2000,
});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let stop = false;
process.stdin.on("end", () => (stop = true)).resume();

for (const name of ["ready", "lost"]) td.on(name, (told) => console.log(name, JSON.stringify(told)));
await td.connect();
const [{ InstrumentID, ExchangeID }] = await td.call("ReqQryInstrument", { ProductID: "rb" });
const [{ UpperLimitPrice }] = await td.call("ReqQryDepthMarketData", { InstrumentID, ExchangeID });
const order = {
  ...{ InstrumentID, ExchangeID, LimitPrice: UpperLimitPrice, VolumeTotalOriginal: 1, MinVolume: 1 },
  Direction: values.Direction.Buy,
  CombOffsetFlag: values.OffsetFlag.Open,
  CombHedgeFlag: "1",
  OrderPriceType: values.OrderPriceType.LimitPrice,
  TimeCondition: values.TimeCondition.GFD,
  VolumeCondition: values.VolumeCondition.AV,
  ContingentCondition: values.ContingentCondition.Immediately,
  ForceCloseReason: values.ForceCloseReason.NotForceClose,
};
const filled = new Set();
td.on("order", (one) => {
  if (one.state === "FILLED" && !filled.has(one.id)) console.log("filled");
  if (one.state === "FILLED") filled.add(one.id);
});
while (!stop) {
  try {
    td.place(order);
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
  }
  await pause(50);
}
const orders = [...td.orders.values()];
await Promise.all(orders.map((one) => one.wait()));
await td.connect();
const there = await td.call("ReqQryOrder", { InstrumentID }, { Fresh: true });
const positions = await td.call("ReqQryInvestorPosition", { InstrumentID }, { Fresh: true });
const count = (state) => orders.filter((one) => one.state === state).length;
const result = {
  placed: orders.length,
  filled: count("FILLED"),
  others: orders.filter((one) => one.state !== "FILLED").map((one) => [one.state, one.errorId, one.errorMsg]),
  counter: there.length,
  position: positions.reduce((sum, { Position }) => sum + Position, 0),
};
console.log(JSON.stringify(result));
td.close();
