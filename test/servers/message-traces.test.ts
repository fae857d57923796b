import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, expect, it } from "vitest";
import { createProject, isBuilt, until, type Project, type Running } from "../e2e/cli.ts";
import { housePipeline, houses } from "../e2e/data.ts";
import { startNats } from "./start/nats.ts";

const server = isBuilt ? await startNats() : undefined;
const collector = createServer();
let project: Project | undefined;
let connection: NatsConnection | undefined;
let running: Running | undefined;
afterAll(async () => {
  running?.child.kill("SIGKILL");
  await connection?.close();
  collector.close();
  project?.remove();
  await server?.stop();
});

interface SentSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
}

const [traceId, parentId] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

it.skipIf(!server)(
  "a trace goes from a message of NATS through its answer, and through one that is set aside",
  async () => {
    const spans: SentSpan[] = [];
    collector.on("request", async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as {
        resourceSpans: [{ scopeSpans: [{ spans: SentSpan[] }] }];
      };
      spans.push(...resourceSpans[0].scopeSpans[0].spans);
      response.end("{}");
    });
    collector.listen(0, "127.0.0.1");
    await once(collector, "listening");
    project = createProject();
    project.write("data/houses.csv", houses(150));
    project.pipeline("houses", housePipeline());
    expect((await project.run("run", "houses")).code).toBe(0);
    connection = await connect({ servers: new URL(server!.url).host });
    const manager = await jetstreamManager(connection);
    for (const part of ["in", "out", "dead"])
      await manager.streams.add({ name: `traced-${part}`, subjects: [`traced.${part}`] });
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const own = ["--from", "traced-in", "--to", "traced.out", "--dead", "traced.dead", "--nats", server!.url];
    running = project.start("stream", "houses", ...own, "--port", "0");
    delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"];
    const traced = headers();
    traced.set("traceparent", `00-${traceId}-${parentId}-01`);
    for (const body of ['{"id":"h1","area":60,"place":"north"}', "no JSON"])
      await jetstream(connection).publish("traced.in", body, { headers: traced });
    await until(async () => spans.length === 4, "the spans of both messages");
    const sentSpans: (readonly [string, string])[] = [];
    for (const stream of ["traced-out", "traced-dead"]) {
      const consumer = await jetstream(connection).consumers.get(stream);
      const message = (await consumer.next({ expires: 5000 }))!;
      const [, trace, span] = message.headers!.get("traceparent").split("-");
      sentSpans.push([trace!, span!]);
    }
    expect(await running.stop()).toBe(0);
    const consumed = spans.filter(({ kind }) => kind === 5);
    const sent = spans.filter(({ kind }) => kind === 4);
    expect(consumed).toMatchObject([0, 1].map(() => ({ name: "process traced-in", traceId, parentSpanId: parentId })));
    expect(sent.map(({ name }) => name).sort()).toEqual(["send traced.dead", "send traced.out"]);
    expect(new Set(sent.map((span) => span.parentSpanId))).toEqual(new Set(consumed.map(({ spanId }) => spanId)));
    expect(new Set(sentSpans.map(([, span]) => span))).toEqual(new Set(sent.map(({ spanId }) => spanId)));
    expect(sentSpans.map(([trace]) => trace)).toEqual([traceId, traceId]);
  },
);
