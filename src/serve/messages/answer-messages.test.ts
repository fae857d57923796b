import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../store/store.fixtures.ts";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { fullDisk } from "../../monitor/full-disk.fixtures.ts";
import type { PredictionEntry } from "../../monitor/log-line.ts";
import { readPredictionLog } from "../../monitor/log-reader.ts";
import { openPredictionLogs } from "../../monitor/prediction-logs.ts";
import type { PredictionLogs } from "../../monitor/prediction-logs.ts";
import type { PredictContext } from "../answer-rows.ts";
import type { ModelSource, ServedModel } from "../model-source.ts";
import { createServer, type Server } from "../server.ts";
import { answerMessages, type MessageEvent } from "./answer-messages.ts";
import { memoryStream, type MemoryStream } from "./memory-channel.fixtures.ts";

let live: Map<string, ServedModel>;
let stream: MemoryStream;
let server: Server;
let events: MessageEvent[];
let faults: unknown[];
let answering: { stop(): Promise<void> } | null;

beforeEach(() => {
  live = new Map([housesModel(1), churnModel()].map((served) => [served.model.name, served]));
  stream = memoryStream();
  events = [];
  faults = [];
  answering = null;
});
afterEach(async () => {
  await answering?.stop();
  await server.close();
});

async function start(
  model: string,
  given: {
    readonly log?: PredictionLogs;
    readonly mostBytes?: number;
    readonly keepsRefused?: boolean;
    readonly context?: Partial<PredictContext>;
  } = {},
): Promise<void> {
  const models: ModelSource = { list: () => [...live.values()], get: (name) => live.get(name) };
  server = await createServer({ models, clock: systemClock, version: "1", port: 0, log: given.log ?? null });
  answering = answerMessages({
    context: { ...server.predicting, ...given.context },
    channel: stream.channel(given),
    model,
    onEvent: (event) => events.push(event),
    onFault: (error) => faults.push(error),
    retryMs: 5,
  });
}

const settled = (): Promise<void> => expect.poll(() => stream.open(), { interval: 5 }).toEqual([]);
/** Fails for a row of 13 rooms, as long as it is told to. */
const failingLog = (isFaulty: () => boolean): PredictionLogs =>
  ({
    mode: "async",
    counts: () => ({ dropped: 0, failing: null }),
    of: () => ({
      append(entries: readonly PredictionEntry[]) {
        if (isFaulty() && entries.some(({ inputs }) => inputs["rooms"] === 13)) throw new Error("a fault of ours");
      },
    }),
  }) as unknown as PredictionLogs;
const answerTo = (sequence: number): Record<string, unknown> => JSON.parse(stream.answers.get(sequence)!);

describe("messages", () => {
  it("are answered with prediction, id and version, and acknowledged after their answer lasts", async () => {
    await start("houses");
    stream.send('{"rooms":4}', '{"rooms":7}');
    await settled();
    expect(answerTo(2)).toEqual({
      model: "houses",
      version: 1,
      prediction: 1007,
      predictionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      input: { stream: "IN", sequence: 2, id: null },
    });
    for (const sequence of [1, 2]) {
      const said = stream.said.filter((one) => one.endsWith(` ${sequence}`));
      expect(said).toEqual([`answer ${sequence}`, `acknowledge ${sequence}`]);
    }
  });

  it("are answered by the version that is live when they are taken", async () => {
    await start("houses");
    stream.send('{"rooms":4}');
    await settled();
    live.set("houses", housesModel(2));
    stream.send('{"rooms":4}');
    await settled();
    expect([answerTo(1), answerTo(2)]).toMatchObject([
      { version: 1, prediction: 1004 },
      { version: 2, prediction: 2004 },
    ]);
  });

  it("name the row by the column that is its id", async () => {
    await start("customer-churn");
    stream.send(JSON.stringify(churnModel().model.parity!.rows[0]));
    await settled();
    expect(answerTo(1)).toMatchObject({ prediction: { label: "leaves" }, input: { id: "C-1042" } });
  });

  it("that cannot be answered are set aside with a code, and hold up none of the others", async () => {
    await start("houses");
    const deep = `${"[".repeat(100)}${"]".repeat(100)}`;
    stream.send('{"rooms":4}', "{", '{"rooms":-1}', '{"roms":4}', Uint8Array.of(0xff), deep, "[]", '{"rooms":5}');
    await settled();
    expect([...stream.answers.keys()]).toEqual([1, 8]);
    const codes = new Map(Array.from(stream.setAside, ([sequence, { code }]) => [sequence, code]));
    const [malformed, invalid] = ["REQUEST_MALFORMED", "REQUEST_INVALID"];
    expect(codes).toEqual(
      new Map([
        [2, malformed],
        [3, invalid],
        [4, invalid],
        [5, malformed],
        [6, malformed],
        [7, invalid],
      ]),
    );
    expect(stream.said.filter((one) => one.endsWith(" 3"))).toEqual(["set aside 3", "terminate 3"]);
    expect(events).toContainEqual({
      kind: "refused",
      count: 3,
      sequence: 2,
      refusal: { code: malformed, detail: expect.stringContaining("JSON") },
    });
  });

  it("of which one has no finite prediction cost the others nothing", async () => {
    const { model, ...served } = housesModel(1);
    const linear = { ...model.predictor, coefficients: Float64Array.of(1e307) } as typeof model.predictor;
    live.set("houses", { ...served, model: { ...model, predictor: linear, parity: null } });
    await start("houses");
    stream.send('{"rooms":1}', '{"rooms":99}', '{"rooms":2}');
    await settled();
    expect(new Set(stream.answers.keys())).toEqual(new Set([1, 3]));
    expect(stream.setAside.get(2)).toMatchObject({ code: "PREDICTION_UNDEFINED" });
  });

  it("whose answer is larger than a message may be are set aside", async () => {
    await start("houses", { mostBytes: 50 });
    stream.send('{"rooms":4}');
    await settled();
    expect(stream.setAside.get(1)).toMatchObject({ code: "REQUEST_TOO_LARGE" });
  });

  it("are counted by what became of them", async () => {
    await start("houses");
    stream.send('{"rooms":4}', "{", '{"rooms":5}');
    await settled();
    const text = await server.predicting.metrics.render();
    expect(text).toContain('millrace_messages_total{model="houses",outcome="answered"} 2');
    expect(text).toContain('millrace_messages_total{model="houses",outcome="refused"} 1');
    expect(text).toContain('millrace_predictions_total{model="houses",version="1"} 2');
    expect(text).toContain('millrace_messages_waiting{model="houses"} 0');
  });
});

describe("a stream of messages whose surroundings fail", () => {
  it("waits while the stream cannot be written, says so once, and then answers every message", async () => {
    await start("houses");
    stream.fault = new MillraceError("STREAM_FAILED", { stream: "IN", reason: "timeout" });
    stream.send('{"rooms":1}', '{"rooms":2}', "{");
    await expect.poll(() => events.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stream.open()).toEqual([1, 2, 3]);
    stream.fault = null;
    await settled();
    const kinds = events.map((event) => (event.kind === "held" ? event.error.code : event.kind));
    expect(kinds).toEqual(["STREAM_FAILED", "resumed", "refused"]);
    expect(new Set(stream.answers.keys())).toEqual(new Set([1, 2]));
  });

  it("leaves messages where they are while no version is live", async () => {
    live.delete("houses");
    await start("houses");
    stream.send('{"rooms":1}');
    await expect.poll(() => events).toMatchObject([{ kind: "held", error: { code: "MODEL_NOT_FOUND" } }]);
    expect(stream.said).toEqual([]);
    live.set("houses", housesModel(1));
    await settled();
    expect(answerTo(1)).toMatchObject({ prediction: 1001 });
  });

  it("sends no answer that the synchronous log does not hold", async () => {
    const folder = await temporaryFolder();
    let isFull = true;
    const log = openPredictionLogs(folder.path, {
      clock: systemClock,
      mode: "sync",
      log: { create: fullDisk(() => isFull) },
    });
    await start("houses", { log });
    stream.send('{"rooms":1}');
    await expect.poll(() => events).toMatchObject([{ kind: "held", error: { code: "LOG_UNWRITABLE" } }]);
    expect([stream.said, stream.open()]).toEqual([[], [1]]);
    isFull = false;
    await settled();
    const { entries } = await readPredictionLog(folder.path, "houses", { sinceMs: 0, untilMs: Infinity });
    expect(entries.map(({ id }) => id)).toContain(answerTo(1)["predictionId"]);
    await log.close();
    await folder.remove();
  });

  it("sets aside a message that a fault of its own hits, says the fault once, and answers the others", async () => {
    await start("houses", { context: { log: failingLog(() => true) } });
    stream.send('{"rooms":1}', '{"rooms":13}', '{"rooms":13}', '{"rooms":2}');
    await settled();
    expect([...stream.answers.keys()]).toEqual([1, 4]);
    expect([...stream.setAside]).toMatchObject([
      [2, { code: "INTERNAL" }],
      [3, { code: "INTERNAL" }],
    ]);
    expect(faults).toEqual([new Error("a fault of ours")]);
  });

  it("keeps a message that a fault of its own hits where nobody keeps refused ones, and answers the others", async () => {
    let isFaulty = true;
    await start("houses", { keepsRefused: false, context: { log: failingLog(() => isFaulty) } });
    stream.send('{"rooms":1}', '{"rooms":13}', '{"rooms":2}');
    await expect.poll(() => stream.open()).toEqual([2]);
    await expect.poll(() => events).toMatchObject([{ kind: "held", error: { message: /a fault of ours/ } }]);
    expect(stream.said).not.toContain("terminate 2");
    isFaulty = false;
    await settled();
    expect(answerTo(2)).toMatchObject({ prediction: 1013 });
    expect([events.map(({ kind }) => kind), faults]).toEqual([["held", "resumed"], []]);
  });

  it("waits for very many answers without a warning of Node", async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): number => warnings.push(warning);
    process.on("warning", hear);
    await start("houses");
    stream.fault = new Error("the network is down");
    stream.send(...Array<string>(100).fill('{"rooms":1}'));
    await expect.poll(() => events.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    stream.fault = null;
    await settled();
    process.off("warning", hear);
    expect(warnings).toEqual([]);
  });

  it("stops while it waits, and leaves what was not answered to the next, who answers it", async () => {
    await start("houses");
    stream.fault = new Error("the network is down");
    stream.send('{"rooms":1}', '{"rooms":2}');
    await expect.poll(() => events.length).toBe(1);
    await answering!.stop();
    await server.close();
    expect(stream.open()).toEqual([1, 2]);
    stream.fault = null;
    await start("houses");
    await settled();
    expect(stream.answers.size).toBe(2);
  });
});
