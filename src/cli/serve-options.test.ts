import { describe, expect, it } from "vitest";
import { addressOf, eventsOf, vertexRoutesOf } from "./serve-options.ts";

describe("the environment of Vertex AI", () => {
  it("names the port where --port does not", () => {
    expect(addressOf({}, {}).port).toBe(4000);
    expect(addressOf({}, { AIP_HTTP_PORT: "8081" }).port).toBe(8081);
    expect(addressOf({ port: "9000" }, { AIP_HTTP_PORT: "8081" }).port).toBe(9000);
    expect(() => addressOf({}, { AIP_HTTP_PORT: "http" })).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it("names both paths or none", () => {
    expect(vertexRoutesOf({})).toBeNull();
    expect(vertexRoutesOf({ AIP_HEALTH_ROUTE: "/h", AIP_PREDICT_ROUTE: "/p" })).toEqual({
      health: "/h",
      predict: "/p",
    });
    expect(() => vertexRoutesOf({ AIP_HEALTH_ROUTE: "/h" })).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("how a server says what happens", () => {
  it("is text, or JSON where that is asked for, and nothing else", () => {
    expect([eventsOf({}), eventsOf({ events: "json" })]).toEqual(["text", "json"]);
    expect(() => eventsOf({ events: "xml" })).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
