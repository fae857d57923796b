import { afterEach, beforeEach, expect, it } from "vitest";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { fixedModels } from "../model-source.ts";
import { createServer, type Server } from "../server.ts";
import { createTracing, type Span } from "../tracing/tracing.ts";
import { answerMessages } from "./answer-messages.ts";
import { memoryStream, type MemoryStream } from "./memory-channel.fixtures.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
const traced = (flags: string): Record<string, string> => ({ traceparent: `00-${traceId}-${parentId}-${flags}` });

let spans: Span[];
let stream: MemoryStream;
let server: Server;
let answering: { stop(): Promise<void> };

beforeEach(() => {
  spans = [];
  stream = memoryStream();
});
afterEach(async () => {
  await answering.stop();
  await server.close();
});

async function start(share = 1, isTraced = true, keepsRefused = true): Promise<void> {
  const sink = { add: (span: Span) => void spans.push(span), close: async () => {} };
  const models = fixedModels([housesModel(1), churnModel()]);
  const tracing = isTraced ? createTracing(sink, systemClock, share) : null;
  server = await createServer({ models, clock: systemClock, version: "1", port: 0, tracing });
  const channel = stream.channel({ keepsRefused });
  const untold = { onEvent: () => {}, onFault: () => {} };
  answering = answerMessages({ context: server.predicting, channel, model: "houses", retryMs: 5, ...untold });
}

const settled = (): Promise<void> => expect.poll(() => stream.open(), { interval: 5 }).toEqual([]);
const named = (name: string): Span[] => spans.filter((span) => span.name === name);

it("a message's span goes on from its sender's, and its answer bears that of what was sent", async () => {
  await start();
  stream.send({ body: '{"rooms":4}', headers: traced("01") });
  await settled();
  await expect.poll(() => spans).toHaveLength(2);
  const [consumed, sent] = spans;
  expect(consumed).toMatchObject({
    traceId,
    parentId,
    name: "process IN",
    kind: "message",
    hasFailed: false,
    attributes: {
      "messaging.system": "memory",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": "IN",
      "messaging.consumer.group.name": "readers",
      "messaging.message.id": "1",
      "messaging.message.body.size": 11,
      "millrace.model.name": "houses",
      "millrace.model.version": 1,
      "millrace.rows": 1,
    },
  });
  expect(sent).toEqual({
    traceId,
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    parentId: consumed!.spanId,
    name: "send out",
    kind: "sent",
    startMs: expect.any(Number),
    endMs: expect.any(Number),
    hasFailed: false,
    attributes: {
      "messaging.system": "memory",
      "messaging.operation.name": "send",
      "messaging.operation.type": "send",
      "messaging.destination.name": "out",
    },
  });
  expect(stream.traces.get(1)).toBe(`00-${traceId}-${sent!.spanId}-01`);
  const times = [consumed!.startMs, sent!.startMs, sent!.endMs, consumed!.endMs];
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

it("each of the messages taken together has a trace of its own, and what nobody began begins here", async () => {
  await start();
  stream.send('{"rooms":4}', { body: '{"rooms":5}', headers: traced("01") }, '{"rooms":6}');
  await settled();
  await expect.poll(() => named("process IN")).toHaveLength(3);
  const traces = named("process IN").map((span) => [span.traceId === traceId, span.parentId]);
  expect(traces).toEqual([
    [false, null],
    [true, parentId],
    [false, null],
  ]);
  expect(new Set(spans.map((span) => span.traceId)).size).toBe(3);
  expect([...stream.traces.values()].map((header) => header!.slice(3, 35)).sort()).toEqual(
    named("send out")
      .map((span) => span.traceId)
      .sort(),
  );
});

it("a refused message says its code, and goes on with its trace to where such go", async () => {
  await start();
  stream.send({ body: '{"rooms":-1}', headers: traced("01") });
  await settled();
  await expect.poll(() => spans).toHaveLength(2);
  expect(spans[0]).toMatchObject({
    hasFailed: false,
    attributes: { "error.type": "REQUEST_INVALID", "millrace.rows": 0 },
  });
  expect(spans[1]).toMatchObject({ name: "send refused", parentId: spans[0]!.spanId });
  expect(stream.traces.get(1)).toBe(`00-${traceId}-${spans[1]!.spanId}-01`);
});

it("sends nothing for a refused message that nobody keeps", async () => {
  await start(1, true, false);
  stream.send("{");
  await settled();
  await expect.poll(() => spans.map(({ name }) => name)).toEqual(["process IN"]);
});

it("makes no spans of a trace that its beginner does not keep, and passes it on so", async () => {
  await start(0);
  stream.send({ body: '{"rooms":4}', headers: traced("00") }, '{"rooms":5}');
  await settled();
  expect(spans).toEqual([]);
  expect(stream.traces.get(1)).toMatch(new RegExp(`^00-${traceId}-(?!${parentId})[0-9a-f]{16}-00$`));
  expect(stream.traces.get(2)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

it("adds no header where nobody traces", async () => {
  await start(1, false);
  stream.send({ body: '{"rooms":4}', headers: traced("01") });
  await settled();
  expect(stream.traces.get(1)).toBeNull();
});
