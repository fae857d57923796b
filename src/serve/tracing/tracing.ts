import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { ServedModel } from "../model-source.ts";
import type { Asker } from "../traffic/arm.ts";
import { formatTraceparent, parseTraceparent, type TraceContext } from "./trace-context.ts";

/** One request as it went, for whoever collects traces. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Of the span the caller named; null where the trace begins here. */
  readonly parentId: string | null;
  /** "POST /v1/models/:name/predict"; the method alone where no route matched. */
  readonly name: string;
  /** UTC milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** The server is at fault: status 500 and above. */
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

/** The spans of a server's requests, one each, which continue the traces of those who ask. */
export interface Tracing {
  /** Gives the `traceresponse` header: whose span it is that answers. */
  begin(asker: Asker): string;
  /** Notes which version answered how many rows. */
  answered(asker: Asker, served: ServedModel, nRows: number): void;
  end(asker: Asker, answer: TracedAnswer): void;
}

interface OpenSpan {
  readonly context: TraceContext;
  readonly parentId: string | null;
  readonly startMs: number;
  readonly start: number;
  readonly attributes: Record<string, string | number>;
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
        open.set(asker, { context, parentId, startMs: clock.now(), start: clock.monotonic(), attributes: {} });
      return formatTraceparent(context);
    },
    answered(asker, { model, version }, nRows) {
      const span = open.get(asker);
      if (!span) return;
      span.attributes["millrace.model.name"] = model.name;
      span.attributes["millrace.model.version"] = version;
      span.attributes["millrace.rows"] = nRows;
    },
    end(asker, { method, route, status }) {
      const span = open.get(asker);
      if (!span) return;
      open.delete(asker);
      const { context, parentId, startMs, start, attributes } = span;
      sink.add({
        traceId: context.traceId,
        spanId: context.spanId,
        parentId,
        name: route === null ? method : `${method} ${route}`,
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
    },
  };
}

/** By the last seven bytes of its id, so that every server keeps the same traces. */
function isKept(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(18), 16) / 2 ** 56 < share;
}
