import { describe, expect, it } from "vitest";
import { churnModel } from "../../test/serve/served-models.ts";
import { compareWithReference } from "./drift.ts";
import { meets, parseCondition } from "./log-filter.ts";
import type { PredictionEntry } from "./log-line.ts";
import { redactorOf, withoutInputs } from "./redaction.ts";

const inputs = { age: 47, postcode: "SW1A 2AA", born: "1978-05-06T07:08:09Z", email: "ann@example.com", plan: "basic" };
const entry: PredictionEntry = { id: "p", time: 5, version: 1, inputs, output: { label: true }, latencyMs: 3 };

describe("a redactor", () => {
  it("keeps nothing of a column that is named, and says so", () => {
    const kept = redactorOf(["email", "__proto__"])(entry);
    expect({ ...kept.inputs }).toEqual({ age: 47, postcode: "SW1A 2AA", born: inputs.born, plan: "basic" });
    expect(kept.redacted).toEqual(["email", "__proto__"]);
    expect(JSON.stringify(kept)).not.toContain("ann@");
    expect(redactorOf([])(entry)).toBe(entry);
  });

  it("of an unknown model keeps no inputs", () => {
    expect(withoutInputs(entry)).toMatchObject({ inputs: {}, redacted: Object.keys(inputs), output: { label: true } });
  });
});

describe("drift", () => {
  it("is not looked for in columns that are not kept", () => {
    const { model } = churnModel();
    const levels = {
      form: "levels" as const,
      missing: 0,
      unknown: 0,
      other: 0,
      levels: ["basic"],
      shares: [1],
      known: ["basic"],
    };
    const reference = {
      nRows: 1000,
      columns: [{ column: "plan", ...levels }],
      prediction: { column: "prediction", ...levels, levels: ["true"], known: ["true"] },
    };
    const row = { calls: 1, customer: "a", monthly_charge: 1, region: "n", paperless: true, since: "2020-01-01" };
    const entries = Array.from({ length: 500 }, (_, i) => ({
      id: String(i),
      time: i,
      version: 1,
      inputs: row,
      latencyMs: 1,
      output: { label: true, probabilities: { true: 1, false: 0 } },
    }));
    const logged = { entries, rejected: { count: 0, codes: new Map() }, torn: 0, damaged: 0, isLimited: false };
    const compare = (kept: typeof logged): unknown =>
      compareWithReference({ model: { ...model, reference }, logged: kept }).columns.map((one) => one.reasons);
    expect(compare(logged)).toEqual([["missing"]]);
    const redacted = entries.map((one) => ({ ...one, redacted: ["plan"] }));
    expect(compare({ ...logged, entries: redacted })).toEqual([]);
  });
});

describe("a condition", () => {
  it.each<[string, boolean]>([
    ["age=47", true],
    ["age = 47.0", true],
    ["age!=47", false],
    ["age>46.5", true],
    ["age<=46", false],
    ["plan=basic", true],
    ["plan!=basic", false],
    ["born>=1978-05-06", true],
    ["born<1978", false],
    ["prediction=true", true],
    ["latencyMs>3", false],
    ["id=p", true],
    ["region=null", true],
    ["region>5", false],
    ["email==x", false],
  ])("%s is %s", (text, expected) => {
    expect(meets(entry, parseCondition(text))).toBe(expected);
  });

  it("that is none is refused", () => {
    for (const text of ["", "age", "=5", "<>"]) expect(() => parseCondition(text)).toThrow("column=value");
  });
});
