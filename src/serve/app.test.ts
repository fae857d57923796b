import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { answerErrors, createApp } from "./app.ts";
import { LateConnections } from "./late-connections.ts";
import { defaultLimits } from "./limits.ts";

it("takes a client that left before its answer began for no fault of the server's, but any other answer that breaks off", async () => {
  const faults: unknown[] = [];
  const app = await createApp(defaultLimits, new LateConnections(), null);
  answerErrors(app, defaultLimits, (error, id) => faults.push([id, error]));
  let hasArrived = false;
  let isSent = false;
  // Of a request whose body was read, the framework does not see that it was aborted.
  app.post("/left", async (_, reply) => {
    const left = once(reply.raw, "close");
    hasArrived = true;
    await left;
    isSent = true;
    return reply.send(new Readable({ read: () => {} }).destroy());
  });
  app.get("/broken", (_, reply) => reply.send(new Readable({ read: () => {} }).destroy()));
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const headers = { "x-request-id": "left", "content-type": "application/json" };
  const leaving = httpRequest(`${url}/left`, { method: "POST", headers }).on("error", () => {});
  leaving.end("{}");
  await expect.poll(() => hasArrived).toBe(true);
  leaving.destroy();
  await expect.poll(() => isSent).toBe(true);
  expect((await fetch(`${url}/broken`, { headers: { "x-request-id": "broken" } })).status).toBe(500);
  await app.close();
  expect(faults).toEqual([["broken", expect.objectContaining({ code: "ERR_STREAM_PREMATURE_CLOSE" })]]);
});
