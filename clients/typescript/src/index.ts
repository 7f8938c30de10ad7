export { type ConnectionOptions, type WebSocketConstructor, type WebSocketLike } from "./connection.js";
export { ConnectionLost, GatewayError, NoAnswer, Refused } from "./errors.js";
export { MdClient, type MdEvents, type MdOptions, type Tick } from "./md.js";
export { Order, type OrderState, type Outcome } from "./order.js";
export { TdClient, type TdEvents, type TdOptions } from "./td.js";
/** CTP's names of the values of its fields: `values.Direction.Buy`. */
export * as values from "./generated/values.js";
export type * as requests from "../types/td.requests.js";
export type * as queries from "../types/td.queries.js";
export type * as replies from "../types/td.replies.js";
export type * as rows from "../types/td.rows.js";
export type * as pushes from "../types/td.pushes.js";
