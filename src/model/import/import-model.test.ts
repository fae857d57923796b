import { describe, expect, it } from "vitest";

import { importRefusalOf } from "../../../test/support/import-refusal.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import type { JsonObject } from "../../core/json.ts";
import { createRng } from "../../core/rng.ts";
import { frameFromRows } from "../../frame/rows.ts";
import { buildDesign } from "../apply.ts";
import { explain } from "../explain.ts";
import type { Model } from "../model.ts";
import { predictRows } from "../predict.ts";
import { rawScores } from "../score.ts";
import { importModel } from "./import-model.ts";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly raw: readonly (number | readonly number[])[];
  readonly answers: readonly (number | readonly number[])[];
  readonly contributions: readonly (readonly number[])[];
}

const vectors = readVectors<{ readonly rows: readonly (readonly number[])[]; readonly cases: readonly Case[] }>(
  "lightgbm",
);
const rows: readonly JsonObject[] = vectors.rows.map(([a, b, c, level]) => ({
  a: orNull(a!),
  b: b!,
  c: orNull(c!),
  level: Number.isNaN(level) ? null : String(level),
}));
const caseOf = (name: string): Case => vectors.cases.find((one) => one.name === name)!;

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function rawOf(model: Model): number[] {
  const { frame } = frameFromRows(rows, model.contract, model.inputs);
  return Array.from(rawScores(model.predictor, buildDesign(frame, model.features)));
}

describe("importModel", () => {
  for (const one of vectors.cases) {
    it(`scores as LightGBM does to the last bit: ${one.name}`, () => {
      const model = importModel({ name: "m", file: one.text });
      expect(rawOf(model)).toStrictEqual(one.raw.flat());
      const { values, width } = predictRows(model, rows).predictions;
      one.answers.forEach((answer, row) => {
        const own = Array.from(values.subarray(row * width, (row + 1) * width));
        const expected = model.task === "binary" ? [1 - (answer as number), answer as number] : [answer].flat();
        own.forEach((value, k) =>
          expect(Math.abs(value - expected[k]!)).toBeLessThanOrEqual(4e-16 * Math.max(1, value)),
        );
      });
    });
  }

  for (const name of ["regression", "binary", "multiclass"])
    it(`explains as LightGBM does: ${name}`, () => {
      const one = caseOf(name);
      const model = importModel({ name: "m", file: one.text });
      const { contributions } = explain(model, frameFromRows(rows, model.contract, model.inputs).frame);
      const { outputs, base, values } = contributions;
      one.contributions.forEach((expected, row) => {
        expected.forEach((value, at) => {
          const [k, feature] = [Math.floor(at / 5), at % 5];
          const own = feature === 4 ? base[k]! : values[(row * outputs + k) * 4 + feature]!;
          expect(own).toBeCloseTo(value, 9);
        });
      });
    });

  it("takes the levels that pandas knew", () => {
    const levels = JSON.stringify([Array.from({ length: 45 }, (_, code) => `level ${code}`)]);
    const text = caseOf("regression").text.replace("pandas_categorical:null", `pandas_categorical:${levels}`);
    const model = importModel({ name: "m", file: text, target: "price" });
    const named = rows.map((row) => ({
      ...row,
      level: typeof row["level"] === "string" ? `level ${row["level"]}` : null,
    }));
    const { values } = predictRows(model, named).predictions;
    expect(Array.from(values)).toStrictEqual(caseOf("regression").answers);
    expect(model.roles.target).toBe("price");
  });

  it("refuses what it could not repeat exactly, and says what", () => {
    const { text } = caseOf("binary");
    const changed = (from: string, to: string): string => importRefusalOf(text.replace(from, to));
    expect(changed("sigmoid:1", "sigmoid:2")).toContain("sigmoid");
    expect(changed("objective=binary", "average_output\nobjective=binary")).toContain("averages");
    expect(changed("objective=binary", "objective=multiclassova")).toContain("objective");
    expect(changed("is_linear=0", "is_linear=1")).toContain("linear models");
    expect(changed("version=v4", "version=v9")).toContain("v9");
    expect(changed("left_child=", "left_child=0 ")).toContain("left_child");
    expect(changed("end of trees", "")).toContain("cut short");
    expect(importRefusalOf("")).toContain("LightGBM");
    const regression = caseOf("regression").text;
    expect(importRefusalOf(regression.replace("objective=regression", "objective=regression sqrt"))).toContain(
      "square root",
    );
    expect(importRefusalOf(regression.replaceAll("decision_type=8", "decision_type=4"))).toContain("zero_as_missing");
    expect(() => importModel({ name: "m", file: text, labels: ["only"] })).toThrow("1 labels were given");
  });

  it("refuses trees that go round in a circle", () => {
    const { text } = caseOf("regression");
    const circle = text.replace(/left_child=\S+/, "left_child=0");
    expect(importRefusalOf(circle)).toContain("twice");
  });

  it("ends with a model or a coded refusal on 600 damaged files", () => {
    const rng = createRng(5);
    let nRefused = 0;
    for (let i = 0; i < 600; ++i) {
      const { text } = vectors.cases[rng.integer(vectors.cases.length)]!;
      const at = rng.integer(text.length);
      const length = rng.integer(8);
      const inserts = ["", "-", "9", "99999999", "=", "\n", " ", "NaN", "1e999", "-1", "Tree=0\n"];
      const damaged = text.slice(0, at) + inserts[rng.integer(inserts.length)]! + text.slice(at + length);
      if (importRefusalOf(damaged) !== "") nRefused += 1;
      else expect(predictRows(importModel({ name: "m", file: damaged }), rows).predictions.nRows).toBe(rows.length);
    }
    expect(nRefused).toBeGreaterThan(100);
  });
});
