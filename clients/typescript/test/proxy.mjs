// A TCP proxy between client and gateway, for bad networks.
import net from "node:net";

export class Proxy {
  /** What is swallowed: bytes to the gateway ("up"), to the client ("down"). */
  swallow = { up: false, down: false };
  connections = 0;
  /** Where the next connection goes. */
  target = "";
  /** What the gateway has said to clients that were forsaken. */
  late = "";
  #pairs = new Set();
  #server;
  #passed = [Infinity, () => {}];

  static async to(url) {
    const proxy = new Proxy();
    proxy.target = url;
    proxy.#server = net.createServer((client) => proxy.#accept(client));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.url = `ws://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  /** Ends every connection without a word of WebSocket. */
  cut() {
    for (const [client, gateway] of this.#pairs) {
      client.resetAndDestroy();
      gateway.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** Ends every connection for the client; for the gateway it stands. */
  forsake() {
    for (const [client, gateway] of this.#pairs) {
      gateway.removeAllListeners("data").on("data", (data) => (this.late += data));
      client.removeAllListeners("close").resetAndDestroy();
    }
  }

  /** Until so many bytes have come from a client in one piece, and the gateway's host has them. */
  passed(bytes) {
    return new Promise((resolve) => (this.#passed = [bytes, resolve]));
  }

  close() {
    this.cut();
    this.#server.close();
  }

  #accept(client) {
    this.connections += 1;
    const { hostname, port } = new URL(this.target);
    const gateway = net.connect(Number(port), hostname);
    const pair = [client, gateway];
    this.#pairs.add(pair);
    client.on("data", (data) => {
      const [bytes, resolve] = this.#passed;
      if (!this.swallow.up) gateway.write(data, () => data.length >= bytes && resolve());
    });
    gateway.on("data", (data) => this.swallow.down || client.write(data));
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#pairs.delete(pair);
        for (const one of pair) one.destroy();
      });
    }
  }
}
