import { array, assert, jsonValue, property, record, string } from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { LineBuffer } from "./line-buffer.ts";
import { encodeLine } from "./log-line.fixtures.ts";
import { decodeLine, textOfEntry, type LogEntry, type PredictionEntry } from "./log-line.ts";

const entryOf = (id: string, inputs: JsonObject, output: JsonValue): PredictionEntry => ({
  id,
  time: 1,
  version: 2,
  inputs,
  output,
  latencyMs: 0.5,
});

describe("the text of an entry", () => {
  it("is its JSON, with the texts of its parts where they are at hand", () => {
    assert(
      property(string(), string({ unit: "binary" }), jsonValue(), (id, key, output) => {
        const inputs = { [key]: key };
        const entry = entryOf(id, inputs, output as JsonValue);
        const whole = JSON.stringify(entry);
        expect([
          textOfEntry(entry),
          textOfEntry(entry, JSON.stringify(inputs)),
          textOfEntry(entry, undefined, JSON.stringify(output)),
        ]).toEqual([whole, whole, whole]);
        const redacted = { ...entry, redacted: [key] };
        expect(textOfEntry(redacted)).toBe(JSON.stringify(redacted));
      }),
    );
  });

  it("of refused rows has no parts", () => {
    const refused: LogEntry = { kind: "rejected", time: 1, version: 2, count: 3, codes: { min: 3 } };
    expect(textOfEntry(refused, "{}", "1")).toBe(JSON.stringify(refused));
  });
});

describe("lines that wait", () => {
  it("are the bytes of encodeLine, whatever the texts hold and however many there are", () => {
    const entries = array(record({ id: string(), key: string({ unit: "binary" }), output: jsonValue() }), {
      maxLength: 20,
    });
    assert(
      property(entries, (given) => {
        const logged = given.map(({ id, key, output }) => entryOf(id, { [key]: key }, output as JsonValue));
        const lines = new LineBuffer();
        for (const entry of logged) expect(lines.add(textOfEntry(entry), Infinity)).toBe(true);
        expect(lines.nLines).toBe(logged.length);
        const text = logged.map(encodeLine).join("");
        expect(lines.length).toBe(Buffer.byteLength(text));
        expect(lines.take().toString()).toBe(text);
      }),
    );
  });

  it("stay as they are where one more would be too many", () => {
    const entry = entryOf("a", { text: "äöü€" }, 1);
    const body = JSON.stringify(entry);
    const size = Buffer.byteLength(encodeLine(entry));
    const lines = new LineBuffer();
    expect([lines.add(body, size), lines.add(body, 2 * size - 1), lines.add(body, 2 * size)]).toEqual([
      true,
      false,
      true,
    ]);
    const taken = lines.take().toString();
    expect(taken).toBe(encodeLine(entry).repeat(2));
    expect([lines.length, lines.nLines]).toEqual([0, 0]);
  });

  it("outgrow what was reserved, and are not written over once they are taken", () => {
    const lines = new LineBuffer();
    const long = entryOf("b", { text: "x".repeat(100_000) }, 1);
    for (let i = 0; i < 3; ++i) lines.add(JSON.stringify(long), Infinity);
    const taken = lines.take();
    lines.add(JSON.stringify(entryOf("c", {}, 2)), Infinity);
    const read = taken.toString().trimEnd().split("\n").map(decodeLine);
    expect(read).toEqual([long, long, long]);
  });
});
