import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { fullDisk } from "../../monitor/full-disk.fixtures.ts";
import { readPredictionLog } from "../../monitor/log-reader.ts";
import { openPredictionLogs } from "../../monitor/prediction-logs.ts";
import { fixedModels } from "../model-source.ts";
import { createServer } from "../server.ts";
import type { Server, ServerOptions } from "../server.ts";
import { recordsOf } from "./records.ts";

let server: Server | undefined;
let url: string;
async function start(given: Partial<ServerOptions> = {}): Promise<void> {
  const models = fixedModels([housesModel(1), churnModel()]);
  server = await createServer({ models, clock: systemClock, version: "1", port: 0, ...given });
  ({ url } = await server.listen());
}
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const ndjson = "application/x-ndjson";

/** Sends and never reads. */
function deaf(rows: number): Socket {
  const { hostname, port } = new URL(url);
  const body = '{"rooms":1}\n'.repeat(rows);
  const head = `host: localhost\r\ncontent-type: ${ndjson}\r\ncontent-length: ${body.length}`;
  const socket = connect({ port: Number(port), host: hostname });
  socket.on("error", () => {}).write(`POST /v1/models/houses/batch HTTP/1.1\r\n${head}\r\n\r\n${body}`);
  return socket;
}

describe("the place of a batch", () => {
  it("is given to others once a client that does not read has had its time", async () => {
    await start({ limits: { batches: 1, batchMs: 15_000 } });
    const socket = deaf(300_000);
    // Else the place could be taken by what asks whether it is.
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    await expect.poll(metrics).toContain("millrace_requests_in_flight 2");
    const status = async (): Promise<number> => (await batch('{"rooms":1}\n')).status;
    await expect.poll(status).toBe(429);
    await expect.poll(status, { interval: 200 }).toBe(200);
    socket.destroy();
  });

  it("is kept while predictions beside it cannot be recorded", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-batch-"));
    let isFull = false;
    const create = fullDisk(() => isFull);
    const log = openPredictionLogs(folder, { clock: systemClock, mode: "sync", log: { create } });
    await start({ log, limits: { batches: 1 } });
    isFull = true;
    const predict = (): Promise<Response> =>
      fetch(`${url}/v1/models/houses/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"rows":[{"rooms":1}]}',
      });
    for (let i = 0; i < 5; ++i)
      await Promise.allSettled([predict(), batch('{"rooms":1}\n').then((one) => one.text()), predict()]);
    isFull = false;
    expect((await batch('{"rooms":1}\n')).status).toBe(200);
    await server!.close();
    await log.close();
    await rm(folder, { recursive: true });
  });
});

async function batch(body: string, type = ndjson, accept = ndjson, model = "houses"): Promise<Response> {
  return fetch(`${url}/v1/models/${model}/batch`, { method: "POST", headers: { "content-type": type, accept }, body });
}

async function linesOf(response: Response): Promise<Record<string, unknown>[]> {
  const text = await response.text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A batch whose sending and reading the test drives. */
function open(type = ndjson): { sent: ClientRequest; answer: Promise<IncomingMessage> } {
  const sent = httpRequest(`${url}/v1/models/houses/batch`, { method: "POST", headers: { "content-type": type } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
  sent.flushHeaders();
  return { sent, answer };
}

async function read(answer: IncomingMessage): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  let text = "";
  try {
    for await (const part of answer) text += String(part);
    return { text, isWhole: answer.complete };
  } catch {
    return { text, isWhole: false };
  }
}

describe("a batch", () => {
  it("answers every row as the predict route does, in order, and bad rows with why", async () => {
    await start();
    const rows = Array.from({ length: 3000 }, (_, i) => ({ rooms: i % 100 }));
    const texts = rows.map((row) => JSON.stringify(row));
    texts[7] = '{"rooms":-1}';
    texts[1500] = "{rooms";
    texts[2999] = '{"rooms":1,"stranger":2}';
    const lines = await linesOf(await batch(`${texts.join("\n")}\n\n`));
    expect(lines).toHaveLength(3001);
    expect(lines.slice(0, -1).map(({ row }) => row)).toEqual(rows.map((_, i) => i));
    expect(lines.at(-1)).toEqual({ done: { model: "houses", version: 1, rows: 3000, answered: 2997, refused: 3 } });
    expect(lines[7]).toMatchObject({ error: { code: "REQUEST_INVALID", issues: [{ column: "rooms", code: "min" }] } });
    expect(lines[1500]).toMatchObject({
      error: { code: "REQUEST_MALFORMED", detail: expect.stringContaining("JSON") },
    });
    expect(lines[2999]).toMatchObject({ error: { issues: [{ column: "stranger" }] } });
    const answered = lines.filter(({ predictionId }) => predictionId !== undefined);
    expect(answered.map(({ prediction }) => prediction)).toEqual(
      rows.filter((_, i) => ![7, 1500, 2999].includes(i)).map(({ rooms }) => 1000 + rooms),
    );
    expect(new Set(answered.map(({ predictionId }) => predictionId)).size).toBe(2997);
  });

  it("takes CSV with quoted newlines, with or without a header, and writes it", async () => {
    await start();
    const { model } = churnModel();
    const row = model.parity!.rows[0]!;
    const values = Object.values(row)
      .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
      .map((value) => `"${value.replace("every evening", "every\r\nevening")}"`);
    const text = `${model.inputs.join(",")}\r\n${values.join(",")}\r\n1,2\r\n${values.join(",")}`;
    const wanted = (await (
      await fetch(`${url}/v1/models/customer-churn/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ rows: [row] }),
      })
    ).json()) as { predictions: { label: string; probabilities: Record<string, number> }[] };
    const { label, probabilities } = wanted.predictions[0]!;
    const written = (await (await batch(text, "text/csv", "text/csv", "customer-churn")).text()).split("\n");
    expect(written[0]).toBe("row,label,probability stays,probability leaves,predictionId,error");
    for (const [line, place] of [
      [1, 0],
      [3, 2],
    ] as const) {
      const cells = written[line]!.split(",");
      expect(cells.slice(0, 4)).toEqual([String(place), label, ...Object.values(probabilities).map(String)]);
    }
    expect(written[2]).toMatch(/^1,,,,,.*has 2 values for 8 columns/);
    const headless = await linesOf(await batch("4\n5\n", "text/csv"));
    expect(headless.map(({ prediction }) => prediction)).toEqual([1004, 1005, undefined]);
  });

  it("answers while it is sent", async () => {
    await start();
    const { sent, answer } = open();
    sent.write('{"rooms":1}\n{"roo');
    const arrived = await answer;
    const first = await new Promise<string>((resolve) => arrived.once("data", (part) => resolve(String(part))));
    expect(JSON.parse(first)).toMatchObject({ row: 0, prediction: 1001 });
    sent.end('ms":2}\n');
    expect((await read(arrived)).text).toContain('"prediction":1002');
  });

  it("reads no further where its answers are not read, so that memory stays small; and then goes on", async () => {
    await start();
    const { sent, answer } = open();
    const part = Buffer.from(`{"rooms":1}${" ".repeat(200)}\n`.repeat(1000));
    const parts = 200;
    let taken = 0;
    const sending = (async () => {
      for (; taken < parts; ++taken) if (!sent.write(part)) await new Promise((resolve) => sent.once("drain", resolve));
      sent.end();
    })();
    const arrived = await answer;
    let before = -1;
    while (before !== taken) {
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect(taken).toBeLessThan(parts / 2);
    const { text } = await read(arrived);
    await sending;
    expect(JSON.parse(text.trimEnd().split("\n").at(-1)!)).toMatchObject({ done: { answered: parts * 1000 } });
  });

  it("that breaks off says so in its last line, and is no whole answer", async () => {
    await start({ limits: { bodyBytes: 1000, batchMs: 400, requestMs: 200 } });
    const long = open();
    long.sent.end(`{"rooms":1}\n{"rooms":${" ".repeat(2000)}1}\n`);
    const tooLong = await read(await long.answer);
    expect([tooLong.isWhole, JSON.parse(tooLong.text.trimEnd().split("\n").at(-1)!)]).toMatchObject([
      false,
      { error: { code: "REQUEST_TOO_LARGE", status: 413 } },
    ]);
    const slow = open();
    const dripping = setInterval(() => slow.sent.write('{"rooms":1}\n'), 40);
    const late = await read(await slow.answer);
    clearInterval(dripping);
    slow.sent.destroy();
    expect(late.isWhole).toBe(false);
    expect(late.text.split("\n").length).toBeGreaterThan(6);
    expect(late.text).not.toContain('"done"');
    const silent = open();
    silent.sent.on("error", () => {});
    silent.sent.write('{"rooms":1}\n');
    expect((await read(await silent.answer)).isWhole).toBe(false);
  });

  it("is one of a few at a time, of a known type, and of a known model", async () => {
    await start({ limits: { batches: 1 } });
    const first = open();
    first.sent.write('{"rooms":1}\n');
    const arrived = await first.answer;
    expect((await batch("{}")).status).toBe(429);
    first.sent.end();
    await read(arrived);
    await expect.poll(async () => (await batch("{}")).status).toBe(200);
    expect((await batch("{}", "application/json")).status).toBe(415);
    expect((await batch("{}", ndjson, ndjson, "house")).status).toBe(404);
    expect(await linesOf(await batch(""))).toMatchObject([{ done: { rows: 0 } }]);
  });

  it("is recorded, in sync mode before it is told", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-batch-"));
    const log = openPredictionLogs(folder, { clock: systemClock, mode: "sync" });
    await start({ log });
    const lines = await linesOf(await batch('{"rooms":1}\n{"rooms":-1}\n{"rooms":2}\n'));
    const { entries, rejected } = await readPredictionLog(folder, "houses", { sinceMs: 0, untilMs: Infinity });
    expect(entries.map(({ id }) => id)).toEqual([lines[0]!["predictionId"], lines[2]!["predictionId"]]);
    expect(rejected.count).toBe(1);
    await server!.close();
    await log.close();
    await rm(folder, { recursive: true });
  });
});

describe("recordsOf", () => {
  it("gives the same records however the bytes are cut", async () => {
    const record = fc.string({ unit: fc.constantFrom("a", '"', ",", "ü", "\r") });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record),
        fc.array(fc.nat(200)),
        fc.constantFrom("jsonl" as const, "csv" as const),
        async (texts, cuts, form) => {
          const fields = form === "csv" ? texts.map((text) => `"${text.replaceAll('"', '""')}\n"`) : texts;
          const bytes = Buffer.from(fields.join("\n"));
          const at = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
          const chunks = async function* (): AsyncGenerator<Buffer> {
            for (let i = 1; i < at.length; ++i) yield bytes.subarray(at[i - 1], at[i]);
          };
          const found: string[] = [];
          for await (const group of recordsOf(chunks(), form, { maxBytes: 1000, most: 3 })) {
            expect(group.length).toBeLessThanOrEqual(3);
            found.push(...group.map(String));
          }
          const expected = fields
            .map((text) => (text.endsWith("\r") ? text.slice(0, -1) : text))
            .filter((text) => text !== "");
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});
