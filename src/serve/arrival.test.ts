import { connect, type Socket } from "node:net";
import { pipeline, Writable } from "node:stream";
import { fastify } from "fastify";
import { expect, it } from "vitest";
import { addArrivalLimit } from "./arrival.ts";
import { LateConnections } from "./late-connections.ts";

/** Keeps what is to be cut until the test cuts it. */
class HeldConnections extends LateConnections {
  readonly cuts: (() => void)[] = [];
  override add(_socket: Socket, cut: () => void): void {
    this.cuts.push(cut);
  }
}

it("ends the connection of a late request whose reading failed before it came to be cut", async () => {
  const late = new HeldConnections();
  const app = fastify();
  let nowMs = 0;
  addArrivalLimit(app, { clock: { now: () => nowMs, monotonic: () => nowMs }, late, requestMs: 5 }, (socket) =>
    socket.destroy(),
  );
  app.addContentTypeParser("text/plain", (_request, _body, done) => done(null));
  const reader = new Writable({ write: (_bytes, _encoding, done) => done() });
  app.post("/", (request, reply) => {
    reply.hijack();
    reply.raw.write("some");
    pipeline(request.raw, reader, () => {});
  });
  const url = new URL(await app.listen({ host: "127.0.0.1", port: 0 }));
  const client = connect(Number(url.port), url.hostname);
  const closed = new Promise((resolve) => client.resume().once("close", resolve));
  try {
    client.write("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nhalf");
    await new Promise((resolve) => client.once("data", resolve));
    nowMs = 10;
    await expect.poll(() => late.cuts.length).toBe(1);
    reader.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    late.cuts[0]!();
    await closed;
  } finally {
    client.destroy();
    await app.close();
  }
});
