// GatewayError
//   Refused          the gateway or the counter said no
//   ConnectionLost   the connection ended; what was asked has no answer
//   NoAnswer         nothing came in time

export class GatewayError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** `errorId` is CTP's, or below zero the gateway's own; `detail` is for people. */
export class Refused extends GatewayError {
  constructor(
    readonly request: string,
    readonly errorId: number,
    readonly errorMsg: string,
    readonly detail: string = "",
  ) {
    super(`${request}: ${errorId} ${errorMsg}${detail && ` (${detail})`}`);
  }
}

export class ConnectionLost extends GatewayError {}

export class NoAnswer extends GatewayError {}
