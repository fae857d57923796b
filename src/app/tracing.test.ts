import { describe, expect, it } from "vitest";
import { tracingOptionsOf } from "./tracing.ts";

describe("tracingOptionsOf", () => {
  it("reads OpenTelemetry's variables, and makes no spans without a collector", () => {
    expect(tracingOptionsOf({})).toBeNull();
    expect(tracingOptionsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/", OTEL_SDK_DISABLED: "true" })).toBeNull();
    const whole = { url: "http://c:4318/v1/traces", headers: {}, service: "millrace", share: 1 };
    expect(tracingOptionsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/" })).toEqual(whole);
    expect(
      tracingOptionsOf({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t/in",
        OTEL_EXPORTER_OTLP_HEADERS: "X-Key = a%20b,other=c",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
        OTEL_SERVICE_NAME: "shop",
        OTEL_TRACES_SAMPLER_ARG: "0.25",
      }),
    ).toEqual({ url: "https://t/in", headers: { "x-key": "a b", other: "c" }, service: "shop", share: 0.25 });
  });

  it.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "key"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "key=%zz"],
    ["OTEL_TRACES_SAMPLER_ARG", "2"],
  ])("refuses what it does not understand in %s", (name, value) => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", [name]: value };
    expect(() => tracingOptionsOf(environment)).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(() => tracingOptionsOf(environment)).toThrow(name);
  });
});
