import { describe, expect, it } from "vitest";

import { importRefusalOf } from "../../../test/support/import-refusal.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import type { JsonObject } from "../../core/json.ts";
import { createRng } from "../../core/rng.ts";
import { importanceOf } from "../importance.ts";
import type { Model } from "../model.ts";
import { predictRows } from "../predict.ts";
import { importModel } from "./import-model.ts";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly rows: readonly (readonly number[])[];
  readonly answers: readonly (number | readonly number[])[];
  /** scikit-learn's own, where it has some. */
  readonly importances: readonly number[];
}

const { cases } = readVectors<{ readonly cases: readonly Case[] }>("sklearn-models");
const caseOf = (name: string): Case => cases.find((one) => one.name === name)!;

function rowsOf(model: Model, one: Case): readonly JsonObject[] {
  return one.rows.map((row) =>
    Object.fromEntries(model.inputs.map((name, i) => [name, Number.isNaN(row[i]!) ? null : row[i]!])),
  );
}

describe("importModel", () => {
  for (const one of cases)
    it(`answers as scikit-learn does: ${one.name}`, () => {
      const model = importModel({ name: "m", file: one.file });
      const { predictions, issues } = predictRows(model, rowsOf(model, one));
      expect(issues).toEqual([]);
      // Sums in another order, and another exp, differ by some units in the last place.
      one.answers.flat().forEach((value, i) => {
        expect(Math.abs(predictions.values[i]! - value)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(value)));
      });
    });

  it("gives boosted sums to the last bit", () => {
    for (const name of ["gradient boosting of numbers", "histogram boosting of numbers"]) {
      const model = importModel({ name: "m", file: caseOf(name).file });
      const { values } = predictRows(model, rowsOf(model, caseOf(name))).predictions;
      expect(Array.from(values)).toStrictEqual(caseOf(name).answers);
    }
  });

  it("counts features as scikit-learn does in one tree, and as sums of the same gains in several", () => {
    const shares = (name: string): Map<string, number> =>
      new Map(
        importanceOf(importModel({ name: "m", file: caseOf(name).file })).map((one) => [one.feature, one.importance]),
      );
    const tree = shares("decision tree of numbers");
    ["a", "b", "c"].forEach((name, i) =>
      expect(tree.get(name)).toBeCloseTo(caseOf("decision tree of numbers").importances[i]!, 9),
    );
    for (const name of ["random forest of two labels", "histogram boosting of numbers"])
      expect([...shares(name).values()].every((share) => share > 0)).toBe(true);
  });

  it("takes names and labels from the file, or labels from the caller", () => {
    const { file } = caseOf("random forest of two labels");
    const model = importModel({ name: "m", file });
    expect(model).toMatchObject({ task: "binary", inputs: ["a", "b", "c"], labels: ["no", "yes"] });
    expect(model.provenance).toEqual({ importedFrom: "scikit-learn", objective: "RandomForestClassifier" });
    expect(importModel({ name: "m", file, labels: ["0", "1"] }).labels).toEqual(["0", "1"]);
  });

  it("asks for every value where scikit-learn refuses missing ones", () => {
    const model = importModel({ name: "m", file: caseOf("linear regression").file });
    expect(predictRows(model, [{ a: null, b: 1, c: 1 }]).issues).toMatchObject([{ code: "missing", column: "a" }]);
    const imputed = importModel({ name: "m", file: caseOf("logistic regression, imputed and scaled").file });
    expect(predictRows(imputed, [{ a: null, b: 1, c: 1 }]).issues).toEqual([]);
  });

  it("refuses what is no model, and says what is wrong", () => {
    const { file } = caseOf("decision tree of numbers");
    const changed = (from: string | RegExp, to: string): string => importRefusalOf(file.replace(from, to));
    expect(changed('"format": 1', '"format": 2')).toContain("format");
    expect(changed('"identity"', '"exp"')).toContain("link");
    expect(changed('"left": [1', '"left": [5000')).toContain("left");
    expect(changed('"left": [1', '"left": [3')).toMatch(/twice|no row can reach/);
    expect(changed(/"feature": \[\d/, '"feature": [9')).toContain("feature");
    expect(changed('"labels": []', '"labels": ["x", "y"]')).toContain("labels");
    expect(changed(/"threshold": \[/, '"threshold": [null, ')).toContain("threshold");
    expect(importRefusalOf('{"millrace": "scikit-learn model"}')).toContain("format");
  });

  it("ends with a model or a coded refusal on 400 damaged files", () => {
    const rng = createRng(8);
    let nRefused = 0;
    for (let i = 0; i < 400; ++i) {
      const text = Array.from(cases[rng.integer(cases.length)]!.file);
      for (let change = 0; change < 1 + rng.integer(3); ++change)
        text[rng.integer(text.length)] = String.fromCharCode(0x20 + rng.integer(95));
      if (importRefusalOf(text.join("")) !== "") nRefused += 1;
    }
    expect(nRefused).toBeGreaterThan(100);
  });
});
