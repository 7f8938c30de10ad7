// Compiled, never run: what an editor knows.
import { MdClient, TdClient, values, type OrderState, type requests } from "../dist/index.js";

export async function typed(td: TdClient, md: MdClient): Promise<void> {
  const [instrument] = await td.call("ReqQryInstrument", { ProductID: "rb" });
  const tickSize: number | undefined = instrument?.PriceTick;
  const order: requests.InputOrderField = {
    InstrumentID: instrument!.InstrumentID,
    Direction: values.Direction.Buy,
    LimitPrice: tickSize,
  };
  const state: OrderState = (await td.place(order).wait()).state;
  td.on("RtnTrade", (trade) => void trade.Trade?.TradeID);
  for await (const tick of md.ticks("rb2610")) void (tick.LastPrice + tick.BidPrice1);
  // @ts-expect-error: a price is a number
  td.place({ LimitPrice: "3500" });
  // @ts-expect-error: there is no such request
  await td.call("ReqQryNothing", {});
  // @ts-expect-error: nor such a field
  await td.call("ReqQryOrder", { Instrument: "rb2610" });
  // @ts-expect-error: nor such an event
  td.on("RtnNothing", () => {});
  void state;
}
