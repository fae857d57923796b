import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { openOtlpExporter, type OtlpOptions } from "../serve/tracing/otlp-exporter.ts";
import { createTracing, type Tracing } from "../serve/tracing/tracing.ts";
import { packageVersion } from "./package-version.ts";

export interface TracingOptions extends Pick<OtlpOptions, "url" | "headers" | "service"> {
  /** Of the traces that begin here, from 0 to 1. */
  readonly share: number;
}

/**
 * What OpenTelemetry's environment variables ask for; null where none names a collector, or OTEL_SDK_DISABLED is "true". Throws
 * USAGE where one of them holds what is not understood.
 */
export function tracingOptionsOf(environment: Readonly<Record<string, string | undefined>>): TracingOptions | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = environment;
  const address = own || (base && `${base.replace(/\/+$/, "")}/v1/traces`);
  if (!address || environment["OTEL_SDK_DISABLED"] === "true") return null;
  const name = own ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT";
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw misunderstood(name, "an http or https address");
  const protocol = environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] || environment["OTEL_EXPORTER_OTLP_PROTOCOL"];
  // A collector takes JSON where it takes protobuf over HTTP.
  if (protocol && !protocol.startsWith("http/")) throw misunderstood("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  return {
    url: address,
    headers: headersOf(environment["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] || environment["OTEL_EXPORTER_OTLP_HEADERS"]),
    service: environment["OTEL_SERVICE_NAME"] || "millrace",
    share: shareOf(environment["OTEL_TRACES_SAMPLER_ARG"]),
  };
}

/** "name=value" by commas, values percent-encoded. */
function headersOf(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? "").split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
      if (name === undefined) throw misunderstood("OTEL_EXPORTER_OTLP_HEADERS", "name=value by commas");
      return [name.toLowerCase(), decodedValue(value!)];
    }),
  );
}

function decodedValue(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw misunderstood("OTEL_EXPORTER_OTLP_HEADERS", "name=value by commas, values percent-encoded");
  }
}

function shareOf(text: string | undefined): number {
  const share = Number(text || "1");
  if (share >= 0 && share <= 1) return share;
  throw misunderstood("OTEL_TRACES_SAMPLER_ARG", "a share from 0 to 1");
}

function misunderstood(variable: string, expected: string): MillraceError<"USAGE"> {
  return new MillraceError("USAGE", { reason: `${variable} must be ${expected}` });
}

/** Spans of a server's requests, sent where the options say. */
export function openTracing(
  options: TracingOptions | null,
  clock: Clock,
  onFault: (reason: string) => void,
): { readonly tracing: Tracing | null; close(): Promise<void> } {
  if (!options) return { tracing: null, close: async () => {} };
  const sink = openOtlpExporter({ ...options, version: packageVersion(), onFault });
  return { tracing: createTracing(sink, clock, options.share), close: () => sink.close() };
}
