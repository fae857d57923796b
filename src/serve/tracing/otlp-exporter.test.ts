import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openOtlpExporter } from "./otlp-exporter.ts";
import type { Span, SpanSink } from "./tracing.ts";

/** Takes what comes with a status, or never answers. */
let collector: Server;
let status: number | null;
let asked: { status: number | null; nSpans: number }[];
let faults: string[];

beforeEach(async () => {
  [asked, faults] = [[], []];
  collector = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as {
        resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }];
      };
      asked.push({ status, nSpans: body.resourceSpans[0].scopeSpans[0].spans.length });
      if (status !== null) response.writeHead(status).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
});
afterEach(() => {
  collector.closeAllConnections();
  collector.close();
});

const open = (): SpanSink =>
  openOtlpExporter({
    url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces?key=secret`,
    headers: {},
    service: "shop",
    version: "1",
    everyMs: 600_000,
    onFault: (reason) => faults.push(reason),
  });

function add(exporter: SpanSink, nSpans: number): void {
  const span: Span = {
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    parentId: null,
    name: "GET",
    kind: "request",
    startMs: 0,
    endMs: 1,
    attributes: {},
    hasFailed: false,
  };
  for (let i = 0; i < nSpans; ++i) exporter.add(span);
}

const nSent = (): number => asked.reduce((sum, { nSpans }) => sum + nSpans, 0);

it("closes though the collector never answers, sooner than one of its sends would end", async () => {
  status = null;
  const exporter = open();
  add(exporter, 5000);
  await exporter.close();
  expect(nSent()).toBeGreaterThan(0);
  expect(nSent()).toBeLessThanOrEqual(4096);
  expect(faults).toEqual([expect.stringMatching(/v1\/traces takes no spans: .*no answer within 2000 ms/)]);
}, 8000);

it("lets the others wait where the collector refuses some, and sends them once it takes them", async () => {
  status = 503;
  const exporter = open();
  add(exporter, 1500);
  await expect.poll(() => faults).toHaveLength(1);
  expect(faults[0]).not.toMatch(/secret/);
  await new Promise((resolve) => setTimeout(resolve, 100));
  status = 200;
  await exporter.close();
  expect(asked).toEqual([
    { status: 503, nSpans: 512 },
    { status: 200, nSpans: 512 },
    { status: 200, nSpans: 476 },
  ]);
});
