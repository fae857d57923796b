import { connect, createServer, type Socket } from "node:net";

/** A way to a server that breaks. */
export interface CuttingProxy {
  readonly url: string;
  /** Bytes that each connection gives before it breaks. */
  bytes: number;
  /** Connections that broke so far. */
  readonly cuts: number;
  stop(): Promise<void>;
}

/** Passes bytes on to `url`, and breaks each connection once it has given so many of them. */
export async function startCuttingProxy(url: string, bytes: number): Promise<CuttingProxy> {
  const { port } = new URL(url);
  const open = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), "127.0.0.1");
    let given = 0;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (chunk: Buffer) => {
      given += chunk.length;
      if (given <= proxy.bytes) return void client.write(chunk);
      upstream.pause();
      cuts += 1;
      // What was written before arrives before the end.
      client.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    bytes,
    get cuts() {
      return cuts;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
