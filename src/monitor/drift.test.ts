import { describe, expect, it } from "vitest";
import { churnModel } from "../../test/serve/served-models.ts";
import { createRng } from "../core/rng.ts";
import type { Rng } from "../core/rng.ts";
import type { JsonObject } from "../core/json.ts";
import type { Frame } from "../frame/frame.ts";
import { frameFromRows } from "../frame/rows.ts";
import type { Model } from "../model/model.ts";
import { answersOf, predict } from "../model/predict.ts";
import { predictionReference, referenceOf } from "../model/reference.ts";
import { compareWithReference } from "./drift.ts";
import type { DriftInput } from "./drift.ts";
import type { DriftReport } from "./drift-report.ts";
import { renderDrift } from "./drift-table.ts";
import type { LoggedPredictions } from "./log-reader.ts";

const regions = ["north", "south", "east", "west"];

interface World {
  readonly calls?: (rng: Rng) => number;
  readonly charge?: (rng: Rng) => number | null;
  readonly region?: (rng: Rng) => string | null;
}

function rowsOf(rng: Rng, n: number, world: World = {}): JsonObject[] {
  return Array.from({ length: n }, (_, i) => ({
    customer: `C-${i}`,
    calls: world.calls ? world.calls(rng) : rng.integer(12),
    monthly_charge: world.charge ? world.charge(rng) : rng.next() < 0.02 ? null : 20 + 80 * rng.next() ** 2,
    plan: ["basic", "basic", "plus", "business"][rng.integer(4)]!,
    region: world.region ? world.region(rng) : rng.next() < 0.1 ? null : regions[rng.integer(4)]!,
    paperless: rng.next() < 0.3,
    since: new Date(1.6e12 + 1e10 * rng.next()).toISOString(),
    last_complaint: "x".repeat(rng.integer(80)),
  }));
}

function frameOf(model: Model, rows: readonly JsonObject[]): Frame {
  return frameFromRows(rows, model.contract, model.inputs).frame;
}

const trained: Model = (() => {
  const { model } = churnModel();
  const frame = frameOf(model, rowsOf(createRng(1), 5000));
  const columns = referenceOf(frame, model.inputs);
  return {
    ...model,
    reference: { nRows: 5000, columns, prediction: predictionReference(model, predict(model, frame)) },
  };
})();

const nothingRefused: LoggedPredictions["rejected"] = { count: 0, codes: new Map() };

function logged(rows: readonly JsonObject[], rejected = nothingRefused, version = 3): LoggedPredictions {
  const outputs = answersOf(trained, predict(trained, frameOf(trained, rows)));
  const entries = rows.map((inputs, i) => ({
    id: `${i}`,
    time: i,
    version,
    inputs,
    output: { ...(outputs[i] as object) },
    latencyMs: 1,
  }));
  return { entries, rejected, torn: 0, damaged: 0, isLimited: false };
}

function compare(rows: readonly JsonObject[], more: Partial<DriftInput> = {}): DriftReport {
  return compareWithReference({ model: trained, logged: logged(rows), ...more });
}

/** Columns that count as drifted, with why. */
function drifted(report: DriftReport): Record<string, readonly string[]> {
  const found = report.columns
    .filter(({ reasons }) => reasons.length)
    .map(({ column, reasons }) => [column, reasons] as const);
  return Object.fromEntries(
    report.prediction?.reasons.length ? [...found, ["prediction", report.prediction.reasons]] : found,
  );
}

describe("compareWithReference", () => {
  it.each<[string, World, Record<string, string[]>]>([
    ["nothing", {}, {}],
    [
      "a shifted number and with it the predictions",
      { calls: (rng) => 5 + rng.integer(12) },
      { calls: ["psi"], prediction: ["psi"] },
    ],
    ["another unit", { charge: (rng) => 100 * (20 + 80 * rng.next() ** 2) }, { monthly_charge: ["psi"] }],
    [
      "values that went missing",
      { charge: (rng) => (rng.next() < 0.2 ? null : 20 + 80 * rng.next() ** 2) },
      { monthly_charge: ["missing"] },
    ],
    ["values that were missing", { region: (rng) => regions[rng.integer(4)]! }, { region: ["missing"] }],
    [
      "another mix of levels",
      { region: (rng) => (rng.next() < 0.1 ? null : regions[Math.min(3, rng.integer(9))]!) },
      { region: ["psi"] },
    ],
    [
      "levels never seen",
      { region: (rng) => (rng.next() < 0.1 ? null : rng.next() < 0.2 ? "centre" : regions[rng.integer(4)]!) },
      { region: ["psi", "unknown"] },
    ],
  ])("finds %s", (_, world, expected) => {
    const report = compare(rowsOf(createRng(2), 1000, world));
    expect(drifted(report)).toEqual(expected);
    expect(report.verdict).toBe(Object.keys(expected).length ? "drift" : "ok");
  });

  it("raises no alarm in 200 repeats without drift, at small windows and large ones", () => {
    let alarms = 0;
    for (let seed = 0; seed < 200; ++seed) {
      const n = [200, 300, 500, 1000][seed % 4]!;
      if (compare(rowsOf(createRng(1000 + seed), n)).verdict !== "ok") ++alarms;
    }
    expect(alarms).toBeLessThanOrEqual(2);
  });

  it("keeps its promise with no limit but chance: at most about 1 % of windows", () => {
    let alarms = 0;
    for (let seed = 0; seed < 200; ++seed) {
      const options = { psi: 0, missing: 0, unknown: 0 };
      if (compare(rowsOf(createRng(5000 + seed), 250), { options }).verdict !== "ok") ++alarms;
    }
    expect(alarms).toBeLessThanOrEqual(7);
  });

  it("does not judge windows that are too small", () => {
    const report = compare(rowsOf(createRng(3), 199, { calls: () => 50 }));
    expect([report.verdict, report.columns]).toEqual(["tooFewRows", []]);
    expect(renderDrift(report)).toEqual(["customer-churn: too few rows to judge (199; at least 200 are needed)"]);
    expect(compare(rowsOf(createRng(3), 199, { calls: () => 50 }), { options: { minRows: 199 } }).verdict).toBe(
      "drift",
    );
  });

  it("counts refused rows, even where no row was answered", () => {
    const rejected = {
      count: 300,
      codes: new Map([
        ["kind", 290],
        ["min", 20],
      ]),
    };
    const report = compareWithReference({ model: trained, logged: logged([], rejected) });
    expect(report).toMatchObject({
      verdict: "drift",
      nRows: 0,
      outOfContract: { nRows: 300, share: 1, isDrifted: true },
    });
    const few = compareWithReference({
      model: trained,
      logged: logged(rowsOf(createRng(4), 1000), { ...rejected, count: 10 }),
    });
    expect(few).toMatchObject({ verdict: "ok", outOfContract: { share: 10 / 1010, isDrifted: false } });
  });

  it("leaves out identifiers and times that only go on", () => {
    const late = rowsOf(createRng(5), 500).map((row) => ({
      ...row,
      since: "2030-01-01T00:00:00Z",
      customer: "a-very-long-identifier",
    }));
    const report = compare(late);
    expect(report.verdict).toBe("ok");
    expect(report.columns.map(({ column }) => column)).not.toContain("customer");
    expect(report.columns.find(({ column }) => column === "since")!.psi).toBeGreaterThan(1);
  });

  it("compares predictions of the version in question only", () => {
    const rows = rowsOf(createRng(6), 400);
    expect(compare(rows, { version: 3 }).prediction).not.toBeNull();
    expect(compare(rows, { version: 4 }).prediction).toBeNull();
  });

  it("expects new levels in columns of great variety", () => {
    const { model } = churnModel();
    const varied = (rng: Rng): string => `r${Math.floor(2000 * rng.next() ** 3)}`;
    const reference = referenceOf(frameOf(model, rowsOf(createRng(7), 1000, { region: varied })), ["region"]);
    const own = {
      ...trained,
      reference: { nRows: 1000, columns: reference, prediction: trained.reference!.prediction },
    };
    const report = compareWithReference({ model: own, logged: logged(rowsOf(createRng(8), 500, { region: varied })) });
    expect(report.columns[0]!.unknown).toBeGreaterThan(0.1);
    expect(report.columns[0]!.reasons).toEqual([]);
  });

  it("refuses a model without a reference", () => {
    const model = { ...trained, reference: null };
    expect(() => compareWithReference({ model, logged: logged([]) })).toThrow(/must carry a reference profile/);
  });

  it("is shown as a table with the largest PSI first", () => {
    const lines = renderDrift(compare(rowsOf(createRng(9), 1000, { calls: (rng) => 5 + rng.integer(12) })));
    expect(lines[0]).toBe("customer-churn: drift in 2 columns (1,000 rows against 5,000 of training)");
    expect(lines[2]).toMatch(/^column +psi +by chance up to +missing \(was\) +unknown +verdict$/);
    expect(lines[3]).toMatch(/^calls +\d\.\d{3} +0\.\d{3} +0\.0 % \(0\.0 %\) +0\.0 % {2}drift: psi$/);
    expect(lines.at(-1)).toMatch(/^\(prediction\)/);
  });
});
