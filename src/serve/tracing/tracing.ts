import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { ServedModel } from "../model-source.ts";
import type { Asker } from "../traffic/arm.ts";
import { formatTraceparent, parseTraceparent, type TraceContext } from "./trace-context.ts";

/** One request as it went, or a part of it, for whoever collects traces. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Of the span the caller named, or of the request a part belongs to; null where the trace begins here. */
  readonly parentId: string | null;
  /** "POST /v1/models/:name/predict", the method alone where no route matched, or the name of a part. */
  readonly name: string;
  readonly kind: "request" | "part";
  /** UTC milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** The server is at fault: status 500 and above. No part is. */
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

/** The spans of a server's requests, which continue the traces of those who ask: one each, with the parts as its children. */
export interface Tracing {
  /** Gives the `traceresponse` header: whose span it is that answers. */
  begin(asker: Asker): string;
  /** Notes which version answered how many rows. */
  answered(asker: Asker, served: ServedModel, nRows: number): void;
  /** Null for a trace that is not kept. A part that ends after its request is lost. */
  partsOf(asker: Asker): BeginPart | null;
  end(asker: Asker, answer: TracedAnswer): void;
}

interface OpenSpan {
  readonly context: TraceContext;
  readonly parentId: string | null;
  readonly startMs: number;
  readonly start: number;
  readonly attributes: Record<string, string | number>;
  readonly parts: Span[];
}

/** `share` of the traces that begin here are kept; of others, what their beginner decided. Attributes bear OpenTelemetry's names. */
export function createTracing(sink: SpanSink, clock: Clock, share: number): Tracing {
  const open = new WeakMap<Asker, OpenSpan>();
  return {
    begin(asker) {
      const parent = parseTraceparent(asker.headers["traceparent"]);
      const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
      const isSampled = parent?.isSampled ?? isKept(traceId, share);
      const context = { traceId, spanId: randomBytes(8).toString("hex"), isSampled };
      const parentId = parent?.spanId ?? null;
      if (isSampled)
        open.set(asker, {
          context,
          parentId,
          startMs: clock.now(),
          start: clock.monotonic(),
          attributes: {},
          parts: [],
        });
      return formatTraceparent(context);
    },
    answered(asker, served, nRows) {
      const span = open.get(asker);
      if (span) Object.assign(span.attributes, attributesOf(served, nRows));
    },
    partsOf(asker) {
      const span = open.get(asker);
      return span ? partsOf(span, clock) : null;
    },
    end(asker, { method, route, status }) {
      const span = open.get(asker);
      if (!span) return;
      open.delete(asker);
      const { context, parentId, startMs, start, attributes, parts } = span;
      sink.add({
        traceId: context.traceId,
        spanId: context.spanId,
        parentId,
        name: route === null ? method : `${method} ${route}`,
        kind: "request",
        startMs,
        endMs: startMs + clock.monotonic() - start,
        attributes: {
          "http.request.method": method,
          ...(route !== null && { "http.route": route }),
          "http.response.status_code": status,
          ...attributes,
        },
        hasFailed: status >= 500,
      });
      // After their parent: where no more spans are taken, none is kept whose parent is not.
      for (const part of parts) sink.add(part);
    },
  };
}

/** Which version it is of how many rows. */
export function attributesOf({ model, version }: ServedModel, nRows: number): Attributes {
  return { "millrace.model.name": model.name, "millrace.model.version": version, "millrace.rows": nRows };
}

function partsOf({ context, startMs, start, parts }: OpenSpan, clock: Clock): BeginPart {
  const { traceId, spanId: parentId } = context;
  const msAt = (time: number): number => startMs + time - start;
  return (name, attributes = {}) => {
    const begun = clock.monotonic();
    return () => {
      const spanId = randomBytes(8).toString("hex");
      const times = { startMs: msAt(begun), endMs: msAt(clock.monotonic()) };
      parts.push({ traceId, spanId, parentId, name, kind: "part", ...times, attributes, hasFailed: false });
    };
  };
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
