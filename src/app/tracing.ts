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
 * What OpenTelemetry's environment variables ask for; null where none names a collector, OTEL_SDK_DISABLED is "true" or
 * OTEL_TRACES_EXPORTER "none". Throws USAGE where one of them holds what is not understood.
 */
export function tracingOptionsOf(environment: Readonly<Record<string, string | undefined>>): TracingOptions | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = environment;
  const address = own || (base && `${base.replace(/\/+$/, "")}/v1/traces`);
  const isOff = environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true";
  if (!address || isOff || environment["OTEL_TRACES_EXPORTER"] === "none") return null;
  const name = own ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT";
  if (!isPlainAddress(address)) throw misunderstood(name, "an http or https address without credentials");
  const protocol = environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] || environment["OTEL_EXPORTER_OTLP_PROTOCOL"];
  // A collector takes JSON where it takes protobuf over HTTP.
  if (protocol && !protocol.startsWith("http/")) throw misunderstood("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  return {
    url: address,
    headers: headersOf(environment["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] || environment["OTEL_EXPORTER_OTLP_HEADERS"]),
    service: environment["OTEL_SERVICE_NAME"] || "millrace",
    share: shareOf(environment["OTEL_TRACES_SAMPLER"], environment["OTEL_TRACES_SAMPLER_ARG"]),
  };
}

/** Errors would print credentials in an address; a header carries them unseen. */
function isPlainAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password } = new URL(address);
  return /^https?:$/.test(protocol) && username === "" && password === "";
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
    const value = decodeURIComponent(text);
    // Refuses what no header can hold, which the sending's error would print.
    void new Headers([["x", value]]);
    return value;
  } catch {
    throw misunderstood("OTEL_EXPORTER_OTLP_HEADERS", "name=value by commas, values percent-encoded");
  }
}

/** Every sampler here follows the decision of a trace's beginner, as "parentbased_" asks. */
function shareOf(sampler: string | undefined, argument: string | undefined): number {
  const kind = sampler?.replace(/^parentbased_/, "") || "traceidratio";
  if (kind === "always_on") return 1;
  if (kind === "always_off") return 0;
  if (kind !== "traceidratio") throw misunderstood("OTEL_TRACES_SAMPLER", "always_on, always_off or traceidratio");
  const share = Number(argument || "1");
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
