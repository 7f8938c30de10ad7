// A TCP proxy between client and gateway, for bad networks.
import net from "node:net";

export class Proxy {
  /** What is swallowed: bytes to the gateway ("up"), to the client ("down"). */
  swallow = { up: false, down: false };
  connections = 0;
  #pairs = new Set();
  #server;

  static async to(url) {
    const { hostname, port } = new URL(url);
    const proxy = new Proxy();
    proxy.#server = net.createServer((client) => proxy.#accept(client, hostname, Number(port)));
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

  close() {
    this.cut();
    this.#server.close();
  }

  #accept(client, host, port) {
    this.connections += 1;
    const gateway = net.connect(port, host);
    const pair = [client, gateway];
    this.#pairs.add(pair);
    client.on("data", (data) => this.swallow.up || gateway.write(data));
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
