import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { ServedModel } from "../model-source.ts";
import type { Asker } from "../traffic/arm.ts";
import { formatTraceparent, parseTraceparent, type TraceContext } from "./trace-context.ts";

/** One request or message as it went, or a part of it, for whoever collects traces. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Of the span the caller named, or of that which a part belongs to; null where the trace begins here. */
  readonly parentId: string | null;
  /** "POST /v1/models/:name/predict", the method alone where no route matched, "process" and a stream, or the name of a part. */
  readonly name: string;
  readonly kind: "request" | "message" | "part" | "sent";
  /** UTC milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** The server is at fault: of a request, status 500 and above. No part is. */
  readonly hasFailed: boolean;
}

/** Takes spans; never waits and never throws. */
export interface SpanSink {
  add(span: Span): void;
  /** Hands over what waits. */
  close(): Promise<void>;
}

/** What became of a request. */
export interface TracedAnswer {
  readonly method: string;
  /** Null where none matched: the path itself, which callers write, is in no span. */
  readonly route: string | null;
  readonly status: number;
}

export type Attributes = Readonly<Record<string, string | number>>;

/** Begins a part of a request, such as "predict"; what it gives ends it. */
export type BeginPart = (name: string, attributes?: Attributes) => () => void;

/** What is sent on to others. */
export interface Sending {
  /** The `traceparent` header that goes with it, by which its receiver goes on with the trace. */
  readonly traceparent: string;
  readonly end: () => void;
}

/** The spans of requests and messages, which continue the traces of those who ask: one each, with the parts as its children. */
export interface Tracing {
  /** Gives the `traceresponse` header: whose span it is that answers. */
  begin(asker: Asker): string;
  /** Notes which version answered how many rows. */
  answered(asker: Asker, served: ServedModel, nRows: number): void;
  /** Null for a trace that is not kept. A part that ends after its request is lost. */
  partsOf(asker: Asker): BeginPart | null;
  /** Null for a trace that is not kept: what is sent then goes on from `begin`'s. */
  send(asker: Asker, name: string, attributes: Attributes): Sending | null;
  end(asker: Asker, ended: EndedSpan): void;
}

/** What a span was of, known once it ends. */
export interface EndedSpan extends Pick<Span, "name" | "attributes" | "hasFailed"> {
  readonly kind: "request" | "message";
}

/** The span of a request that was answered so. Attributes bear OpenTelemetry's names. */
export function requestSpan({ method, route, status }: TracedAnswer): EndedSpan {
  return {
    name: route === null ? method : `${method} ${route}`,
    kind: "request",
    attributes: {
      "http.request.method": method,
      ...(route !== null && { "http.route": route }),
      "http.response.status_code": status,
    },
    hasFailed: status >= 500,
  };
}

interface OpenSpan {
  readonly context: TraceContext;
  readonly parentId: string | null;
  readonly startMs: number;
  readonly start: number;
  readonly attributes: Record<string, string | number>;
  readonly parts: Span[];
}

/** `share` of the traces that begin here are kept; of others, what their beginner decided. */
export function createTracing(sink: SpanSink, clock: Clock, share: number): Tracing {
  const open = new WeakMap<Asker, OpenSpan>();
  return {
    begin(asker) {
      const parent = parseTraceparent(asker.headers["traceparent"]);
      const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
      const context = { traceId, spanId: newSpanId(), isSampled: parent?.isSampled ?? isKept(traceId, share) };
      if (context.isSampled) open.set(asker, openSpan(context, parent, clock));
      return formatTraceparent(context);
    },
    answered(asker, served, nRows) {
      const span = open.get(asker);
      if (span) Object.assign(span.attributes, attributesOf(served, nRows));
    },
    partsOf(asker) {
      const span = open.get(asker);
      return span ? (name, attributes) => beginChild(span, clock, { name, attributes, kind: "part" }).end : null;
    },
    send(asker, name, attributes) {
      const span = open.get(asker);
      return span ? beginChild(span, clock, { name, attributes, kind: "sent" }) : null;
    },
    end(asker, { attributes, ...ended }) {
      const span = open.get(asker);
      if (!span) return;
      open.delete(asker);
      const { context, parentId, startMs, start, parts } = span;
      const { traceId, spanId } = context;
      const times = { startMs, endMs: startMs + clock.monotonic() - start };
      sink.add({ traceId, spanId, parentId, ...times, ...ended, attributes: { ...attributes, ...span.attributes } });
      // After their parent: where no more spans are taken, none is kept whose parent is not.
      for (const part of parts) sink.add(part);
    },
  };
}

function openSpan(context: TraceContext, parent: TraceContext | null, clock: Clock): OpenSpan {
  const times = { startMs: clock.now(), start: clock.monotonic() };
  return { context, parentId: parent?.spanId ?? null, ...times, attributes: {}, parts: [] };
}

function newSpanId(): string {
  return randomBytes(8).toString("hex");
}

/** Which version it is of how many rows. */
export function attributesOf({ model, version }: ServedModel, nRows: number): Attributes {
  return { "millrace.model.name": model.name, "millrace.model.version": version, "millrace.rows": nRows };
}

function beginChild(
  { context, startMs, start, parts }: OpenSpan,
  clock: Clock,
  {
    attributes = {},
    ...named
  }: { readonly name: string; readonly kind: Span["kind"]; readonly attributes?: Attributes | undefined },
): Sending {
  const own = { ...context, spanId: newSpanId() };
  const msAt = (time: number): number => startMs + time - start;
  const begun = clock.monotonic();
  const end = (): void => {
    const times = { startMs: msAt(begun), endMs: msAt(clock.monotonic()) };
    const { traceId, spanId } = own;
    parts.push({ traceId, spanId, parentId: context.spanId, ...named, ...times, attributes, hasFailed: false });
  };
  return { traceparent: formatTraceparent(own), end };
}

/** Does work as a part of a request; as it is where nobody traces. */
export function inPart<T>(
  begin: BeginPart | null | undefined,
  name: string,
  work: () => T,
  attributes?: Attributes,
): T {
  if (!begin) return work();
  const end = begin(name, attributes);
  try {
    return work();
  } finally {
    end();
  }
}

/** By the last seven bytes of its id, so that every server keeps the same traces. */
function isKept(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(18), 16) / 2 ** 56 < share;
}
