import { describe, expect, it } from "vitest";
import { atLeast, beatsChampion } from "../evaluate/gate-rule.ts";
import { oneHot, standardize, tfidf } from "../features/transform.ts";
import { boolean, category, number, text, timestamp } from "../frame/schema.ts";
import { when } from "../frame/expression.ts";
import { csv } from "../ingest/source.ts";
import { blend, boosting, kmeans, linear } from "../train/choice.ts";
import { auto, tune } from "../train/tuning-choice.ts";
import { pipeline } from "./definition.ts";
import { featureColumnsOf } from "./workflow/features.ts";

const schema = {
  key: text(),
  area: number({ min: 0 }),
  rooms: number({ missing: 0.1 }),
  sold: timestamp(),
  city: category(["a", "b", "c"]),
  churn: category(["no", "yes"]),
  style: category(),
  flag: boolean(),
  w: number(),
  price: number(),
};
const base = { name: "house-prices", data: csv("a.csv"), schema, target: "price", model: boosting() } as const;

/** As from JavaScript: whatever the options are. */
const define = (options: Record<string, unknown>): ReturnType<typeof pipeline> =>
  (pipeline as unknown as (definition: object) => ReturnType<typeof pipeline>)(options);

describe("pipeline", () => {
  it("completes a short definition with defaults", () => {
    const { spec } = pipeline(base);
    expect(spec).toMatchObject({
      name: "house-prices",
      source: { kind: "csv", path: "a.csv" },
      task: "regression",
      roles: { target: "price", id: null, time: null, group: null, weight: null, sensitive: [] },
      expressions: [],
      prepare: [],
      split: { by: "random", test: 0.2, validation: 0.1 },
      model: { estimator: "boosting", hyperparameters: {}, tuning: null },
      gate: [],
      allow: [],
      steps: [],
      retrain: null,
      monitor: { window: "1d", every: "1m", psi: 0.2, minRows: 200 },
      seed: 1,
    });
    expect(spec.inputs).toStrictEqual(Object.keys(schema).filter((name) => name !== "price"));
  });

  it("keeps everything a full definition says, as plain frozen data", () => {
    const run = (): void => {};
    const full = pipeline({
      ...base,
      id: "key",
      time: "sold",
      group: "city",
      weight: "w",
      sensitive: ["flag", "city"],
      features: (c) => ({ per: c.area.div(c.rooms), tier: when(c.area.gt(100), "big").else("small") }),
      prepare: { per: standardize(), tier: [oneHot()], rooms: "drop" },
      split: { by: "group", test: 0.3 },
      model: tune(boosting({ trees: 5 }), { trials: 3 }),
      gate: [atLeast("r2", 0.5, { slice: "city" }), beatsChampion("mae")],
      allow: ["key", "key", { column: "rooms", reason: "counted before the sale" }],
      retrain: { cron: "0 3 * * 1", timeZone: "Europe/Berlin", onDrift: true },
      monitor: { window: "7d", psi: 0.3 },
      seed: 7,
      steps: { tell: { after: "evaluate", timeout: "30s", run } },
    });
    const { spec } = full;
    expect(full.featureNames).toStrictEqual(["per", "tier"]);
    expect([full.target, full.weight, full.schema]).toStrictEqual(["price", "w", schema]);
    expect(spec.inputs).not.toContain("w");
    expect(spec.roles).toStrictEqual({
      target: "price",
      id: "key",
      time: "sold",
      group: "city",
      weight: "w",
      sensitive: ["flag", "city"],
    });
    expect(spec.prepare.map(({ feature }) => feature)).toStrictEqual(["per", "tier", "rooms"]);
    expect(spec.split).toMatchObject({ by: "group", test: 0.3 });
    expect(spec.model).not.toHaveProperty("tasks");
    expect(spec.allow).toStrictEqual([
      { column: "key", reason: null },
      { column: "rooms", reason: "counted before the sale" },
    ]);
    expect(spec.retrain).toStrictEqual({ cron: "0 3 * * 1", timeZone: "Europe/Berlin", onDrift: true });
    expect(spec.steps).toStrictEqual([
      {
        name: "tell",
        place: "after",
        at: "evaluate",
        after: "evaluate",
        timeoutMs: 30_000,
        memoryMb: null,
        env: [],
        run,
      },
    ]);
    const { steps: _, ...data } = spec;
    expect(JSON.parse(JSON.stringify(data))).toEqual({ ...data, gate: JSON.parse(JSON.stringify(spec.gate)) });
    expect([full, spec, spec.roles, spec.inputs, spec.gate].every(Object.isFrozen)).toBe(true);
  });

  it.each([
    ["price", "regression"],
    ["flag", "binary"],
    ["churn", "binary"],
    ["city", "multiclass"],
    ["style", "multiclass"],
  ])("asks for the task the target %s calls for: %s", (target, task) => {
    expect(define({ ...base, target }).spec.task).toBe(task);
  });

  it("is a clustering without a target", () => {
    const { spec } = pipeline({ name: "c", data: csv("a.csv"), schema, model: kmeans() });
    expect([spec.task, spec.inputs.length]).toStrictEqual(["clustering", Object.keys(schema).length]);
  });

  it.each([
    [{ time: "sold", group: "city" }, "time"],
    [{ group: "city" }, "group"],
    [{ target: "flag" }, "target"],
    [{}, "random"],
  ])("splits %j by %s", (options, by) => {
    expect(define({ ...base, ...options }).spec.split.by).toBe(by);
  });

  it("keeps the column of folds beside the split's plan, out of the features, for all that is cross-validated", () => {
    for (const model of [tune(boosting()), auto(), blend([boosting(), linear()])]) {
      const { spec } = pipeline({ ...base, split: { folds: "city" }, model });
      expect([spec.folds, spec.split]).toEqual(["city", pipeline(base).spec.split]);
      expect(featureColumnsOf(spec).map(({ name }) => name)).not.toContain("city");
    }
    expect(pipeline({ ...base, model: auto() }).spec).not.toHaveProperty("folds");
  });

  it("leaves room for train rows whatever the share of test is", () => {
    expect(pipeline({ ...base, split: { test: 0.95 } }).spec.split.validation).toBeCloseTo(0.025);
  });

  it("says of a builder that was not called to call it", () => {
    expect(() => define({ ...base, model: boosting })).toThrow(
      expect.objectContaining({ remedy: "Call it: boosting()." }),
    );
    const column = { ...schema, area: number };
    expect(() => define({ ...base, schema: column })).toThrow(
      expect.objectContaining({ remedy: "Call it: number()." }),
    );
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["an upper-case name", { name: "House" }, /name must be 1 to 63/],
    ["a name that is a path", { name: "../x" }, /name must be/],
    ["a name that is too long", { name: "a".repeat(64) }, /name must be/],
    ["data that is a path", { data: "a.csv" }, /data must be made by csv/],
    ["no model", { model: undefined }, /model must be an estimator/],
    [
      "a model of another task",
      { model: kmeans() },
      /model must learn the task regression, got kmeans\(\) for clustering/,
    ],
    ["a misspelt option", { targets: "price" }, /got "targets"/],
    ["an unknown target", { target: "pric" }, /target has no column "pric"/],
    ["a text target", { target: "key" }, /target must be a column of kind/],
    ["a target twice: weight", { weight: "price" }, /weight must be another column than target/],
    ["a target twice: group", { group: "price" }, /group must be another column than target/],
    ["an id that is the group", { id: "key", group: "key" }, /group must be another column than id/],
    ["a time that is a number", { time: "area" }, /time must be a column of kind timestamp/],
    ["a sensitive number", { sensitive: ["area"] }, /sensitive must be a column of kind/],
    ["a sensitive target", { target: "flag", sensitive: ["flag"] }, /must not name the target/],
    ["features that are no function", { features: {} }, /features must be a function/],
    ["features that return nothing", { features: () => undefined }, /features must return an object/],
    ["a feature that is a number", { features: () => ({ x: 3 }) }, /features\.x must be an expression/],
    ["a feature that reads the target", { features: (c: { price: unknown }) => ({ x: c.price }) }, /no column "price"/],
    [
      "a feature with a column's name",
      { features: (c: { area: unknown }) => ({ area: c.area }) },
      /two columns share a name/,
    ],
    ["a preparation of nothing", { prepare: { aera: "drop" } }, /prepare has no column "aera"/],
    ["a preparation of the target", { prepare: { price: "drop" } }, /prepare has no column "price"/],
    ["a transform of another kind", { prepare: { area: tfidf() } }, /takes transforms for a number, got tfidf\(\)/],
    ["a preparation no function made", { prepare: { area: "scale" } }, /prepare\.area/],
    ["a misspelt split option", { split: { tests: 0.2 } }, /split has the options/],
    ["shares that leave nothing", { split: { test: 0.6, validation: 0.4 } }, /must leave rows to train on/],
    ["a split by time without a time", { split: { by: "time" } }, /split\.by needs a column named by `time`/],
    ["a split by nothing known", { split: { by: "luck" } }, /split\.by must be one of/],
    ["folds of no column", { split: { folds: "sit" }, model: tune(boosting()) }, /split\.folds has no column "sit"/],
    ["folds of the target", { split: { folds: "price" }, model: tune(boosting()) }, /split\.folds has no column/],
    ["a number of folds", { split: { folds: 5 }, model: tune(boosting()) }, /split\.folds has no column "5"/],
    ["folds by a time", { split: { folds: "sold" }, model: tune(boosting()) }, /split\.folds has no column "sold"/],
    [
      "folds that nobody reads",
      { split: { folds: "city" } },
      /is for models that are cross-validated.*got boosting\(\)/,
    ],
    ["a metric of another task", { gate: [{ rule: "atLeast", metric: "auc", value: 1 }] }, /gate of a regression task/],
    ["a rule that is a text", { gate: ["r2 > 0.5"] }, /takes rules made by/],
    ["a slice that is no group", { gate: [atLeast("r2", 0.5, { slice: "area" })] }, /slice has no column "area"/],
    ["an accepted finding of no column", { allow: ["kye"] }, /allow has no column "kye"/],
    [
      "an accepted finding of no column, with a reason",
      { allow: [{ column: "kye", reason: "x" }] },
      /allow has no column "kye"/,
    ],
    [
      "an accepted finding for an empty reason",
      { allow: [{ column: "key", reason: " " }] },
      /allow\[0\].reason must be a text/,
    ],
    ["a cron of four fields", { retrain: { cron: "0 3 * *" } }, /retrain\.cron must be a cron expression/],
    ["an unknown time zone", { retrain: { cron: "@daily", timeZone: "Mars" } }, /retrain\.timeZone must be/],
    ["retraining on nothing", { retrain: {} }, /retrain needs/],
    ["a duration without a unit", { monitor: { every: "10" } }, /monitor\.every must be a duration/],
    ["a duration of nothing", { monitor: { window: "0d" } }, /monitor\.window must be a duration/],
    ["a psi of 0", { monitor: { psi: 0 } }, /monitor\.psi must be a number above 0/],
    ["a seed that is a fraction", { seed: 0.5 }, /seed must be a whole number/],
    [
      "an own step after nothing",
      { steps: { tell: { after: "evalute", run() {} } } },
      /steps\.tell\.after must be one of/,
    ],
    [
      "an own step called like one of ours",
      { steps: { gate: { after: "gate", run() {} } } },
      /that no built-in step has/,
    ],
    [
      "an own step tried for ever",
      { steps: { tell: { after: "gate", retry: { attempts: Infinity }, run() {} } } },
      /steps\.tell\.retry must allow 1 to 20 attempts/,
    ],
    [
      "an own step that waits for no time",
      { steps: { tell: { after: "gate", retry: { attempts: 2, delay: "soon" }, run() {} } } },
      /steps\.tell\.retry\.delay must be a duration/,
    ],
    [
      "an own step with a tag that is no text",
      { steps: { tell: { after: "gate", tags: [1], run() {} } } },
      /steps\.tell\.tags must be a list of names/,
    ],
    ["an own step without a function", { steps: { tell: { after: "gate" } } }, /steps\.tell\.run must be a function/],
    ["a schema of target alone", { schema: { price: number() } }, /must declare a column beside target/],
  ])("refuses %s", (_, options, message) => {
    expect(() => define({ ...base, ...options })).toThrow(message);
  });

  it("refuses a feature made from the columns of another pipeline", () => {
    let foreign: unknown;
    const other = { ...base, schema: { ...schema, area: text() } };
    pipeline({ ...other, features: (c) => ((foreign = c.area), {}) });
    expect(() => define({ ...base, features: () => ({ x: foreign }) })).toThrow(/not "area" as text/);
  });

  it("suggests the nearest option and column", () => {
    expect(() => define({ ...base, tagret: "price" })).toThrow(
      expect.objectContaining({ remedy: 'Did you mean "target"?' }),
    );
    expect(() => define({ ...base, target: "pric" })).toThrow(
      expect.objectContaining({ remedy: 'Did you mean "price"?' }),
    );
  });
});
