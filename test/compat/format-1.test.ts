import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { decodeModel } from "../../src/model/file.ts";
import { answersOf, predictRows, type Answer } from "../../src/model/predict.ts";

interface Fixture {
  readonly models: readonly {
    readonly title: string;
    readonly file: string;
    readonly rows: readonly JsonObject[];
    readonly values: string;
    readonly answers: readonly Answer[];
  }[];
}

describe("models of format 1", () => {
  const text = readFileSync(new URL("format-1.json", import.meta.url), "utf8");
  const { models } = JSON.parse(text) as Fixture;

  it.each(models)("load and predict what they predicted when they were written: $title", (fixture) => {
    const model = decodeModel(Buffer.from(fixture.file, "base64"));
    const { predictions } = predictRows(model, fixture.rows);
    expect(Buffer.from(predictions.values.buffer).toString("hex")).toBe(fixture.values);
    expect(answersOf(model, predictions)).toEqual(fixture.answers);
  });
});
