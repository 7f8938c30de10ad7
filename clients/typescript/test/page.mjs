// What a page does; tests/process/test_typescript.py opens it in a browser, without a build step.
import { MdClient, TdClient, values } from "../dist/index.js";

/** One tick and one order, by the browser's own WebSocket. */
export async function trade(url, token) {
  const td = new TdClient({ url, token, user: "100005", password: "123456" });
  const md = new MdClient({ url, token });
  await Promise.all([td.connect(), md.connect()]);
  const [{ InstrumentID, ExchangeID }] = await td.call("ReqQryInstrument", { ProductID: "rb" });
  for await (const tick of md.ticks(InstrumentID)) {
    const order = td.place({
      ...{ InstrumentID, ExchangeID, LimitPrice: tick.UpperLimitPrice, VolumeTotalOriginal: 1, MinVolume: 1 },
      Direction: values.Direction.Buy,
      CombOffsetFlag: values.OffsetFlag.Open,
      CombHedgeFlag: values.HedgeFlag.Speculation,
      OrderPriceType: values.OrderPriceType.LimitPrice,
      TimeCondition: values.TimeCondition.GFD,
      VolumeCondition: values.VolumeCondition.AV,
      ContingentCondition: values.ContingentCondition.Immediately,
      ForceCloseReason: values.ForceCloseReason.NotForceClose,
    });
    await order.wait();
    td.close();
    md.close();
    return `${order.state} ${order.volumeTraded}`;
  }
}
