import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { decodeModel, encodeModel } from "../../src/model/file.ts";
import { claimedVersion } from "../../src/model/file/container.ts";
import { answersOf, predictRows, type Answer } from "../../src/model/predict.ts";

interface Fixture {
  readonly format: number;
  readonly models: readonly {
    readonly title: string;
    readonly file: string;
    readonly rows: readonly JsonObject[];
    readonly values: string;
    readonly answers: readonly Answer[];
  }[];
}

const files: readonly (readonly [file: string, format: number])[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((format) => [`format-${format}`, format] as const),
  ["format-7-members", 7],
];

describe.each(files)("models of %s", (file, number) => {
  const text = readFileSync(new URL(`${file}.json`, import.meta.url), "utf8");
  const { format, models } = JSON.parse(text) as Fixture;

  it.each(models)("load and predict what they predicted when they were written: $title", (fixture) => {
    const model = decodeModel(Buffer.from(fixture.file, "base64"));
    expect(format).toBe(number);
    // Readers of an older format refuse by this number before they look at anything else.
    expect(claimedVersion(Buffer.from(fixture.file, "base64"))).toBe(number);
    expect(encodeModel(model)).toEqual(new Uint8Array(Buffer.from(fixture.file, "base64")));
    const { predictions } = predictRows(model, fixture.rows);
    expect(Buffer.from(predictions.values.buffer).toString("hex")).toBe(fixture.values);
    expect(answersOf(model, predictions)).toEqual(fixture.answers);
  });
});
