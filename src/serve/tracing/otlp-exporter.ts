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
  return new OtlpExporter(options);
}

class OtlpExporter implements SpanSink {
  readonly #options: OtlpOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: Span[] = [];
  #sending: Promise<void> | null = null;
  #isFailing = false;
  #isOver = false;
  /** Ends the send under way. One for each: AbortSignal.any() holds on to what it joins, on Node 22 for good. */
  #stop = new AbortController();

  constructor(options: OtlpOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#flush(), options.everyMs ?? 2000);
    this.#timer.unref();
  }

  add(span: Span): void {
    if (this.#waiting.length < mostWaiting) this.#waiting.push(span);
    if (this.#waiting.length >= mostAtOnce && !this.#isFailing) void this.#flush();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const limit = setTimeout(() => {
      this.#isOver = true;
      this.#stop.abort(new Error(`no answer within ${closeWithinMs} ms of the stop`));
    }, closeWithinMs);
    await this.#flush();
    // What came while the last ones were sent.
    await this.#flush();
    clearTimeout(limit);
  }

  #flush(): Promise<void> {
    return (this.#sending ??= this.#sendAll().finally(() => (this.#sending = null)));
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isOver) {
      const spans = this.#waiting.slice(0, mostAtOnce);
      this.#waiting = this.#waiting.slice(mostAtOnce);
      const reason = await this.#sendSome(spans);
      if (reason !== null && !this.#isFailing) this.#tell(reason);
      this.#isFailing = reason !== null;
      // The others wait for the next time.
      if (this.#isFailing) return;
    }
  }

  async #sendSome(spans: readonly Span[]): Promise<string | null> {
    const stop = (this.#stop = new AbortController());
    const limit = setTimeout(() => stop.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    limit.unref();
    const reason = await send(this.#options, spans, stop.signal);
    clearTimeout(limit);
    return reason;
  }

  #tell(reason: string): void {
    // Neither credentials nor a query, which may hold a key.
    const { origin, pathname } = new URL(this.#options.url);
    this.#options.onFault(`the trace collector ${origin}${pathname} takes no spans: ${reason}`);
  }
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
