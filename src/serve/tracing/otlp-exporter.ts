import type { Span, SpanSink } from "./tracing.ts";

export interface OtlpOptions {
  /** Where a collector takes traces over HTTP: ".../v1/traces". */
  readonly url: string;
  /** Sent along, such as a key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly service: string;
  /** Version of this package. */
  readonly version: string;
  /** Longest time a span waits. Default 2,000 ms. */
  readonly everyMs?: number;
  /** Hears why spans cannot be handed over; once until they can be again. */
  readonly onFault: (reason: string) => void;
}

/** Spans sent at once, and spans that may wait: more are dropped. */
const mostAtOnce = 512;
const mostWaiting = 4096;
const timeoutMs = 10_000;
/** A server that stops waits no longer for its collector. */
const closeWithinMs = 2000;

/** Sends spans to an OpenTelemetry collector as OTLP over HTTP in JSON. What a collector does not take is lost: answers never wait for it. */
export function openOtlpExporter(options: OtlpOptions): SpanSink {
  const { everyMs = 2000, onFault } = options;
  let waiting: Span[] = [];
  let sending: Promise<void> | null = null;
  let isFailing = false;
  let isOver = false;
  /** Ends the send under way. One for each: AbortSignal.any() holds on to what it joins, on Node 22 for good. */
  let stop = new AbortController();
  // Neither credentials nor a query, which may hold a key.
  const { origin, pathname } = new URL(options.url);
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0 && !isOver) {
      const spans = waiting.slice(0, mostAtOnce);
      waiting = waiting.slice(mostAtOnce);
      stop = new AbortController();
      const limit = setTimeout(() => stop.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      limit.unref();
      const reason = await send(options, spans, stop.signal);
      clearTimeout(limit);
      if (reason !== null && !isFailing) onFault(`the trace collector ${origin}${pathname} takes no spans: ${reason}`);
      isFailing = reason !== null;
      // The others wait for the next time.
      if (isFailing) return;
    }
  };
  const flush = (): Promise<void> => (sending ??= sendAll().finally(() => (sending = null)));
  const timer = setInterval(() => void flush(), everyMs);
  timer.unref();
  return {
    add(span) {
      if (waiting.length < mostWaiting) waiting.push(span);
      if (waiting.length >= mostAtOnce && !isFailing) void flush();
    },
    async close() {
      clearInterval(timer);
      const limit = setTimeout(() => {
        isOver = true;
        stop.abort(new Error(`no answer within ${closeWithinMs} ms of the stop`));
      }, closeWithinMs);
      await flush();
      // What came while the last ones were sent.
      await flush();
      clearTimeout(limit);
    },
  };
}

/** Why the collector did not take the spans; null where it did. */
async function send(options: OtlpOptions, spans: readonly Span[], signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(options.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...options.headers },
      body: JSON.stringify(documentOf(options, spans)),
      signal,
      redirect: "error",
    });
    await response.body?.cancel();
    return response.ok ? null : `status ${response.status}`;
  } catch (error) {
    return String((error as Error).cause ?? error);
  }
}

/** Internal, server, producer and consumer. */
const kinds = { part: 1, request: 2, sent: 4, message: 5 };
const errorStatus = 2;

function documentOf({ service, version }: OtlpOptions, spans: readonly Span[]): unknown {
  const resource = { attributes: attributesOf({ "service.name": service, "service.version": version }) };
  const scope = { name: "millrace", version };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: spans.map(spanOf) }] }] };
}

function spanOf({ traceId, spanId, parentId, name, kind, startMs, endMs, attributes, hasFailed }: Span): unknown {
  return {
    traceId,
    spanId,
    ...(parentId !== null && { parentSpanId: parentId }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(attributes),
    status: hasFailed ? { code: errorStatus } : {},
  };
}

/** 64-bit integers are texts in this JSON. */
function attributesOf(attributes: Readonly<Record<string, string | number>>): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}
