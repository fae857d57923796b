import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { importRefusalOf } from "../../../test/support/import-refusal.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import type { JsonObject } from "../../core/json.ts";
import { createRng } from "../../core/rng.ts";
import { frameFromRows } from "../../frame/rows.ts";
import { buildDesign } from "../apply.ts";
import { explain } from "../explain.ts";
import { decodeModel, encodeModel } from "../file.ts";
import { claimedVersion } from "../file/container.ts";
import type { Model } from "../model.ts";
import { predictRows } from "../predict.ts";
import { rawScores } from "../score.ts";
import { limitBelow, limitUpTo } from "./float32.ts";
import { importModel } from "./import-model.ts";

interface Case {
  readonly name: string;
  readonly json: string;
  readonly ubj: string;
  readonly rows: readonly (readonly [number, number, number, string | null])[];
  readonly raw: readonly (number | readonly number[])[];
  readonly answers: readonly (number | readonly number[])[];
  readonly contributions?: readonly (readonly number[])[];
}

const { cases } = readVectors<{ readonly cases: readonly Case[] }>("xgboost");
const caseOf = (name: string): Case => cases.find((one) => one.name === name)!;
const ubjOf = (one: Case): Uint8Array => new Uint8Array(Buffer.from(one.ubj, "base64"));

function rowsOf(model: Model, one: Case): readonly JsonObject[] {
  const cell = (value: number | string | null): number | string | null =>
    typeof value === "number" && Number.isNaN(value) ? null : value;
  return one.rows.map((row) =>
    Object.fromEntries(model.inputs.map((name) => [name, cell(row["abcl".indexOf(name[0]!)]!)])),
  );
}

function rawOf(model: Model, one: Case): number[] {
  const { frame } = frameFromRows(rowsOf(model, one), model.contract, model.inputs);
  return Array.from(rawScores(model.predictor, buildDesign(frame, model.features)));
}

describe("importModel", () => {
  for (const one of cases) {
    it(`scores as XGBoost does to the last bit: ${one.name}`, () => {
      const model = importModel({ name: "m", file: one.json });
      expect(rawOf(model, one)).toStrictEqual(one.raw.flat());
      const { values, width } = predictRows(model, rowsOf(model, one)).predictions;
      one.answers.forEach((answer, row) => {
        const expected = model.task === "binary" ? [1 - (answer as number), answer as number] : [answer].flat();
        // XGBoost computes answers, too, in float32.
        expected.forEach((value, k) =>
          expect(Math.abs(values[row * width + k]! - value)).toBeLessThanOrEqual(5e-7 * Math.max(1, value)),
        );
      });
    });

    it(`reads the same model from UBJ as from JSON: ${one.name}`, () => {
      const fromJson = importModel({ name: "m", file: one.json });
      expect(encodeModel(importModel({ name: "m", file: ubjOf(one) }))).toStrictEqual(encodeModel(fromJson));
      expect(claimedVersion(encodeModel(fromJson))).toBe(7);
    });
  }

  it("scores rows together as one by one, and a loaded model as the one that was saved", () => {
    const one = caseOf("multiclass");
    const model = importModel({ name: "m", file: one.json });
    const rows = Array.from({ length: 700 }, (_, i) => rowsOf(model, one)[i % one.rows.length]!);
    const loaded = decodeModel(encodeModel(model));
    const together = predictRows(loaded, rows).predictions.values;
    const alone = rows.flatMap((row) => Array.from(predictRows(model, [row]).predictions.values));
    expect(Array.from(together)).toStrictEqual(alone);
  });

  for (const name of ["regression", "binary"])
    it(`explains as XGBoost does: ${name}`, () => {
      const one = caseOf(name);
      const model = importModel({ name: "m", file: one.json });
      const { frame } = frameFromRows(rowsOf(model, one), model.contract, model.inputs);
      const { base, values } = explain(model, frame).contributions;
      one.contributions!.forEach((expected, row) =>
        expected.forEach((value, feature) =>
          expect(feature === 4 ? base[0]! : values[row * 4 + feature]!).toBeCloseTo(value, 4),
        ),
      );
    });

  it("takes the levels it is given where the file knows none, and else asks for them", () => {
    const one = caseOf("regression");
    const file = JSON.parse(one.json) as { learner: { gradient_booster: { model: { cats?: unknown } } } };
    delete file.learner.gradient_booster.model.cats;
    const text = JSON.stringify(file);
    expect(importRefusalOf(text)).toContain('levels of its category column "level"');
    const levels = { level: ["red", "green", "blue", "black", "white"] };
    expect(rawOf(importModel({ name: "m", file: text, levels }), one)).toStrictEqual(one.raw.flat());
  });

  it("refuses sets of levels that share their lists, which would be walked for every node", () => {
    interface Tree {
      categories: number[];
      categories_segments: number[];
      categories_sizes: number[];
    }
    const file = JSON.parse(caseOf("regression").json) as {
      learner: { gradient_booster: { model: { trees: Tree[] } } };
    };
    const { trees } = file.learner.gradient_booster.model;
    const tree = trees.find(({ categories_sizes }) => categories_sizes.length > 1)!;
    tree.categories_segments = tree.categories_segments.map(() => 0);
    tree.categories_sizes = tree.categories_sizes.map(() => tree.categories.length);
    expect(importRefusalOf(JSON.stringify(file))).toContain("categories_sizes");
  });

  it("refuses what it could not repeat exactly, and says what", () => {
    const { json } = caseOf("binary");
    const changed = (from: string | RegExp, to: string): string => importRefusalOf(json.replace(from, to));
    expect(changed("binary:logistic", "binary:hinge")).toContain("binary:hinge");
    expect(changed('"name":"gbtree"', '"name":"gblinear"')).toContain("gblinear");
    expect(changed('"num_target":"1"', '"num_target":"2"')).toContain("several targets");
    expect(changed('"size_leaf_vector":"1"', '"size_leaf_vector":"2"')).toContain("several values");
    expect(changed(/"left_children":\[1,/, '"left_children":[0,')).toContain("twice");
    expect(changed(/"left_children":\[1,/, '"left_children":[100000,')).toContain("left_children");
    expect(changed(/"split_indices":\[\d,/, '"split_indices":[9,')).toContain("split_indices");
    expect(changed(/"base_score":"[^"]*"/, '"base_score":"2"')).toContain("base_score");
    expect(importRefusalOf(json.slice(0, -1))).toContain("JSON");
    expect(importRefusalOf("{}")).toContain("learner");
    expect(importRefusalOf("[]")).toContain("LightGBM");
    expect(importRefusalOf(`{"a":${"[".repeat(5_000_000)}`)).toContain("more values");
    expect(importRefusalOf(`tree\n${"\n".repeat(5_000_000)}`)).toContain("longer than any model");
    const objects = Buffer.alloc(18_000_000, "{}");
    expect(importRefusalOf(Buffer.concat([Buffer.from("{L\0\0\0\0\0\0\0\u0001a["), objects]))).toContain("more values");
  });

  it("refuses UBJ whose lengths lie before it makes room for them", () => {
    const bytes = (...parts: (string | number)[]): Uint8Array =>
      Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? Array.from(Buffer.from(part)) : [part])));
    const huge = [0x10, 0, 0, 0, 0, 0, 0, 0];
    const name = ["{L", 0, 0, 0, 0, 0, 0, 0, 1, "a"];
    expect(importRefusalOf(bytes(...name, "[$d#L", ...huge))).toContain("a length is");
    expect(importRefusalOf(bytes(...name, "[$d#l", 0x7f, 0xff, 0xff, 0xff))).toContain("cut short");
    expect(importRefusalOf(bytes(...name, "[#l", 0x7f, 0xff, 0xff, 0xff))).toContain("cut short");
    expect(importRefusalOf(bytes(...name, "SL", ...huge))).toContain("a length is");
    expect(importRefusalOf(bytes(...name, "[$Z#l", 0x7f, 0xff, 0xff, 0xff))).toContain("unknown type");
    expect(importRefusalOf(bytes(...name, "[".repeat(100)))).toContain("nested");
    expect(importRefusalOf(bytes(...name, "Z}", "x"))).toContain("follow its end");
  });

  it("ends with a model or a coded refusal on 600 damaged files", () => {
    const rng = createRng(6);
    let nRefused = 0;
    for (let i = 0; i < 600; ++i) {
      const one = cases[rng.integer(cases.length)]!;
      const bytes = i % 2 === 0 ? new TextEncoder().encode(one.json) : ubjOf(one);
      for (let change = 0; change < 1 + rng.integer(3); ++change)
        bytes[rng.integer(bytes.length)] = i % 2 === 0 ? 0x20 + rng.integer(95) : rng.integer(256);
      const cut = rng.next() < 0.2 ? bytes.subarray(0, rng.integer(bytes.length)) : bytes;
      if (importRefusalOf(cut) !== "") nRefused += 1;
    }
    expect(nRefused).toBeGreaterThan(100);
  });
});

describe("limits of float32 comparisons", () => {
  const singles = fc.float({ noNaN: true, noDefaultInfinity: true });

  it("send left the doubles whose float32 is below the bound, at every edge", () => {
    fc.assert(
      fc.property(singles, fc.double({ noNaN: true }), (bound, x) => {
        const limit = limitBelow(bound);
        expect(x <= limit).toBe(Math.fround(x) < bound);
        expect(Math.fround(limit)).toBeLessThan(bound);
        expect(Math.fround(above(limit))).toBeGreaterThanOrEqual(bound);
      }),
    );
  });

  it("send left the doubles whose float32 is at most the bound", () => {
    fc.assert(
      fc.property(fc.oneof(singles, fc.double({ noNaN: true, min: -3e38, max: 3e38 })), (bound) => {
        const limit = limitUpTo(bound);
        expect(Math.fround(limit)).toBeLessThanOrEqual(bound);
        expect(Math.fround(above(limit))).toBeGreaterThan(bound);
      }),
    );
  });
});

/** The double above a finite one. */
function above(value: number): number {
  const doubles = Float64Array.of(value);
  const bits = new BigInt64Array(doubles.buffer);
  if (value === 0) return Number.MIN_VALUE;
  bits[0]! += value > 0 ? 1n : -1n;
  return doubles[0]!;
}
