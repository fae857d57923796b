import { describe, expect, it } from "vitest";
import { tracingOptionsOf } from "./tracing.ts";

describe("tracingOptionsOf", () => {
  it("reads OpenTelemetry's variables, and makes no spans without a collector", () => {
    expect(tracingOptionsOf({})).toBeNull();
    expect(tracingOptionsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/", OTEL_SDK_DISABLED: "True" })).toBeNull();
    expect(tracingOptionsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_TRACES_EXPORTER: "none" })).toBeNull();
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
    [undefined, 0.25],
    ["traceidratio", 0.25],
    ["parentbased_traceidratio", 0.25],
    ["always_on", 1],
    ["parentbased_always_on", 1],
    ["always_off", 0],
    ["parentbased_always_off", 0],
  ])("keeps the share that the sampler %s asks for", (sampler, share) => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", OTEL_TRACES_SAMPLER_ARG: "0.25" };
    expect(tracingOptionsOf({ ...environment, OTEL_TRACES_SAMPLER: sampler })).toMatchObject({ share });
  });

  it.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@c:4318"],
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://secret@c:4318/v1/traces"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "key=a%0Asecret"],
  ])("refuses a secret in %s that an error would print, and does not print it", (name, value) => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318", [name]: value };
    expect(() => tracingOptionsOf(environment)).toThrow(name);
    expect(() => tracingOptionsOf(environment)).not.toThrow(/secret/);
  });

  it.each([
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318"],
    ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
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
