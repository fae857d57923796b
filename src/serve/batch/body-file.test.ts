import { request as httpRequest } from "node:http";
import { stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { housesModel } from "../../../test/serve/served-models.ts";
import { fullDisk } from "../../monitor/full-disk.fixtures.ts";
import { batchServer, ndjson, parquet } from "./batch-server.fixtures.ts";
import { keepBody } from "./body-file.ts";

const served = batchServer(housesModel(1));
const { start, kept, fileOf, send } = served;

describe("the file of a batch", () => {
  it("is limited, whether its length is told or not", async () => {
    await start({ limits: { batchFileBytes: 1000 } });
    const body = await fileOf("SELECT i AS rooms FROM range(10000) r(i)");
    for (const sent of [body, Readable.toWeb(Readable.from([body.subarray(0, 900), body.subarray(900)]))]) {
      const init = { method: "POST", headers: { "content-type": parquet }, body: sent, duplex: "half" } as RequestInit;
      const answer = await fetch(`${served.url}/v1/models/houses/batch`, init);
      expect([answer.status, await answer.json()]).toMatchObject([413, { code: "REQUEST_TOO_LARGE" }]);
    }
    expect(await kept()).toEqual([]);
  });

  it("that is refused for its length leaves its connection as it was where it comes whole, and is cut off where not", async () => {
    await start({ limits: { batchFileBytes: 1000 } });
    const { hostname, port } = new URL(served.url);
    const refused = async (): Promise<{ socket: Socket; heard: () => string }> => {
      const socket = connect(Number(port), hostname).on("error", () => {});
      let text = "";
      socket.on("data", (part) => (text += String(part)));
      const head = `host: localhost\r\ncontent-type: ${parquet}\r\ncontent-length: 2000`;
      socket.write(`POST /v1/models/houses/batch HTTP/1.1\r\n${head}\r\n\r\n${"x".repeat(500)}`);
      await expect.poll(() => text).toContain("REQUEST_TOO_LARGE");
      return { socket, heard: () => text };
    };
    const whole = await refused();
    whole.socket.write("x".repeat(1500));
    const cut = await refused();
    await expect.poll(() => cut.socket.closed).toBe(true);
    whole.socket.write("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await expect.poll(whole.heard).toContain("HTTP/1.1 200 OK");
    whole.socket.destroy();
  });

  it("is gone, and its place free, where the client leaves while it sends, waits or reads", async () => {
    await start({ limits: { batchFiles: 1 } });
    const body = await fileOf("SELECT i % 100 AS rooms FROM range(300000) r(i)");
    const open = (): ReturnType<typeof httpRequest> =>
      httpRequest(`${served.url}/v1/models/houses/batch`, { method: "POST", headers: { "content-type": parquet } });
    const sending = open().on("error", () => {});
    sending.write(body.subarray(0, 1000));
    await expect.poll(kept).toHaveLength(1);
    const waits = await send(body);
    expect([waits.status, waits.headers.get("retry-after")]).toEqual([429, "5"]);
    expect((await send('{"rooms":4}', "houses", ndjson, ndjson)).status).toBe(200);
    sending.destroy();
    await expect.poll(kept).toEqual([]);
    const waiting = open().on("error", () => {});
    waiting.end(body);
    const nKept = async (): Promise<number> => {
      const [name] = await kept();
      return name === undefined ? 0 : (await stat(path.join(served.spool, name))).size;
    };
    await expect.poll(nKept, { interval: 5 }).toBe(body.length);
    waiting.destroy();
    await expect.poll(kept).toEqual([]);
    const reading = open().on("error", () => {});
    reading.end(body);
    await new Promise((resolve) => reading.once("response", (answer) => answer.once("data", resolve)));
    expect(await kept()).toHaveLength(1);
    reading.destroy();
    await expect.poll(kept).toEqual([]);
    const small = await fileOf("SELECT 4 AS rooms");
    await expect.poll(async () => (await send(small)).status).toBe(200);
    expect(served.faults).toEqual([]);
  });

  it("that cannot be written is a fault that the client hears of with a way around, and the operator, too", async () => {
    await start({ temporaryPath: () => path.join(served.spool, "no-such-folder", "file") });
    const answer = await send(await fileOf("SELECT 4 AS rooms"));
    expect([answer.status, answer.headers.get("retry-after"), await answer.json()]).toMatchObject([
      503,
      "5",
      { code: "BATCH_UNWRITABLE", remedy: expect.stringContaining("JSON lines") },
    ]);
    expect(served.faults).toMatchObject([{ code: "BATCH_UNWRITABLE" }]);
  });

  it("is gone where the disk is full", async () => {
    const keeping = keepBody(
      Readable.from([Buffer.from("PAR1"), Buffer.from("more")]),
      path.join(served.spool, "file"),
      {
        maxBytes: 1000,
        create: fullDisk(() => true),
      },
    );
    await expect(keeping).rejects.toMatchObject({ code: "BATCH_UNWRITABLE", context: { reason: "ENOSPC" } });
    expect(await kept()).toEqual([]);
  });
});
