import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { createFrame, type Frame } from "../frame/frame.ts";
import type { Roles } from "../model/model.ts";
import { associate, associationTarget } from "./association.ts";
import { auditLeaks, type AuditReport } from "./audit.ts";
import { renderProfile } from "./profile-table.ts";
import { profileFrame } from "./profile.ts";
import { evenlySpaced } from "./sample-rows.ts";
import { populationShift } from "./shift.ts";
import { isIdentifierName } from "./value-count.ts";

const numbers = (values: readonly number[]): ColumnData => ({ kind: "number", values: Float64Array.from(values) });
const booleans = (values: readonly number[]): ColumnData => ({ kind: "boolean", values: Uint8Array.from(values) });
const texts = (values: readonly (string | null)[]): ColumnData => ({ kind: "text", values });

function categories(values: readonly (string | null)[]): ColumnData {
  const levels = [...new Set(values.filter((value) => value !== null))].sort();
  return {
    kind: "category",
    levels,
    codes: Int32Array.from(values, (value) => (value === null ? -1 : levels.indexOf(value))),
  };
}

const noRoles: Roles = { target: null, id: null, time: null, group: null, weight: null, sensitive: [] };

function frameOf(columns: Readonly<Record<string, ColumnData>>): Frame {
  const entries = Object.entries(columns);
  const first = entries[0]![1];
  return createFrame(first.kind === "category" ? first.codes.length : first.values.length, entries);
}

function audit(
  frame: Frame,
  options: { target?: string; allow?: string[]; codes?: Uint8Array; by?: string } = {},
): AuditReport {
  const contract: Contract = {
    columns: frame.names.map((name, i) => ({ name, kind: frame.columns[i]!.kind, missing: 1, onViolation: "fail" })),
  };
  const target = options.target ?? null;
  const splitCodes = options.codes ?? Uint8Array.from({ length: frame.nRows }, (_, i) => (i % 5 === 4 ? 2 : 0));
  return auditLeaks({
    frame,
    target,
    splitCodes,
    contract,
    roles: { ...noRoles, target },
    allow: (options.allow ?? []).map((column) => ({ column, reason: "known before" })),
    ...(options.by ? { by: options.by } : {}),
  });
}

const n = 2000;
const rng = createRng(1);
const noise = Array.from({ length: n }, () => rng.next());
const labels = noise.map((value) => (value < 0.3 ? 1 : 0));
const other = Array.from({ length: n }, () => rng.next());

describe("profileFrame", () => {
  const frame = frameOf({
    n: numbers([3, 1, 2, NaN, 1]),
    b: booleans([0, 1, 1, 255, 1]),
    c: categories(["x", null, "y", "x", "x"]),
    t: texts(["ab", null, "abcd", "ab", ""]),
    empty: numbers([NaN, NaN, NaN, NaN, NaN]),
    time: { kind: "timestamp", values: Float64Array.of(0, 86_400_000, 0, 0, NaN) },
  });

  it("counts missing and different values, ranges and levels by kind", () => {
    const [number, truth, level, text, empty, time] = profileFrame(frame).columns;
    expect(number).toMatchObject({ nMissing: 1, nDistinct: 3, spread: { min: 1, max: 3, mean: 1.75 } });
    expect(number!.spread!.quantiles[2]).toBe(1.5);
    expect(truth).toMatchObject({
      nMissing: 1,
      nDistinct: 2,
      levels: [
        ["true", 3],
        ["false", 1],
      ],
    });
    expect(level).toMatchObject({
      nMissing: 1,
      nDistinct: 2,
      levels: [
        ["x", 3],
        ["y", 1],
      ],
    });
    expect(text).toMatchObject({ nMissing: 1, nDistinct: 3, spread: { min: 0, max: 4 } });
    expect(empty).toMatchObject({ nMissing: 5, nDistinct: 0, spread: null });
    expect(time).toMatchObject({ nMissing: 1, spread: { max: 86_400_000 } });
  });

  it("is JSON without loss", () => {
    const profile = profileFrame(frame);
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
  });

  it("says so when it sampled, and is exact in counts and ranges all the same", () => {
    const values = Float64Array.from({ length: 250_000 }, (_, i) => (i === 1 ? -5 : i % 1000));
    const profile = profileFrame(frameOf({ n: { kind: "number", values } }));
    expect(profile).toMatchObject({ nRows: 250_000, nSampled: 100_000 });
    expect(profile.columns[0]!.spread!.min).toBe(-5);
    expect(renderProfile(profile).at(-1)).toContain("100,000 evenly spaced rows");
  });

  it("renders one aligned line a column, with control characters taken out", () => {
    const lines = renderProfile(
      profileFrame(frameOf({ "a\u001b[31m\n": numbers([1, 2]), ["x".repeat(80)]: categories(["l\t1", null]) })),
    );
    expect(lines.length).toBe(4);
    expect(lines.join("")).not.toMatch(/\p{Cc}/u);
    expect(lines[3]).toMatch(/^x{29}\.\.\. {2}category {3}50\.0 % {9}1 {2}l�1 50\.0 %$/);
  });

  it("profiles a frame without rows", () => {
    expect(renderProfile(profileFrame(frameOf({ a: numbers([]), c: categories([]) }))).length).toBe(4);
  });
});

describe("associate", () => {
  const rows = evenlySpaced(n, n);
  const strength = (column: ColumnData, target: ColumnData): number =>
    associate(column, associationTarget(target, rows)!)!.value;

  it("finds a copy, a recoding and a cut of a binary target, and nothing in noise", () => {
    expect(strength(booleans(labels), booleans(labels))).toBe(1);
    expect(strength(categories(labels.map((label) => (label ? "yes" : "no"))), booleans(labels))).toBe(1);
    expect(strength(numbers(noise), booleans(labels))).toBeGreaterThan(0.999);
    expect(Math.abs(strength(numbers(other), booleans(labels)) - 0.5)).toBeLessThan(0.05);
  });

  it("gives an identifier no credit for knowing the rows it was learned from", () => {
    expect(strength(categories(noise.map((_, i) => `id${i}`)), booleans(labels))).toBe(0.5);
    expect(strength(categories(noise.map((_, i) => `id${i}`)), numbers(noise))).toBeLessThan(0.01);
  });

  it("finds a copy of a long-tailed number and a determining category", () => {
    const tailed = noise.map((value) => 1 / (value + 1e-6));
    expect(strength(numbers(tailed.map((value) => 2 * value - 1)), numbers(tailed))).toBeCloseTo(1, 9);
    expect(
      strength(
        categories(noise.map((value) => `d${Math.floor(value * 10)}`)),
        numbers(noise.map((value) => Math.floor(value * 10))),
      ),
    ).toBe(1);
    expect(strength(numbers(other), numbers(noise))).toBeLessThan(0.05);
  });

  it("counts the errors avoided where there are more than two labels", () => {
    const label = categories(noise.map((value) => "abc"[Math.floor(value * 3)]!));
    expect(strength(numbers(noise), label)).toBeGreaterThan(0.98);
    expect(strength(numbers(other), label)).toBeLessThan(0.1);
  });

  it("has no answer for text", () => {
    expect(associate(texts(noise.map(String)), associationTarget(booleans(labels), rows)!)).toBeNull();
  });
});

describe("auditLeaks", () => {
  const find = (report: AuditReport, rule: string): readonly unknown[] =>
    report.findings.filter((finding) => finding.rule === rule);

  it("raises an error for a column that is the target in disguise, unless it is allowed", () => {
    const frame = frameOf({ y: booleans(labels), copy: categories(labels.map(String)), other: numbers(other) });
    expect(audit(frame, { target: "y" }).findings).toMatchObject([
      { rule: "targetProxy", column: "copy", severity: "error", allowed: false },
    ]);
    expect(audit(frame, { target: "y", allow: ["copy"] }).findings).toMatchObject([
      { column: "copy", allowed: true, reason: "known before" },
    ]);
  });

  it("only warns of a column that is nearly the target", () => {
    const nearly = labels.map((label, i) => (i % 40 === 0 ? 1 - label : label));
    expect(audit(frameOf({ y: booleans(labels), nearly: booleans(nearly) }), { target: "y" }).findings).toMatchObject([
      { rule: "targetProxy", severity: "warning" },
    ]);
  });

  it("warns of identifiers, constants and empty columns", () => {
    const frame = frameOf({
      customer_id: categories(noise.map((_, i) => `c${i}`)),
      one: numbers(noise.map(() => 1)),
      none: texts(noise.map(() => null)),
      row: numbers(noise.map((_, i) => i + 1)),
      price: numbers(other),
    });
    const report = audit(frame);
    expect(report.findings.map((finding) => [finding.rule, finding.column, finding.severity])).toEqual([
      ["identifier", "customer_id", "warning"],
      ["constant", "one", "warning"],
      ["empty", "none", "warning"],
      ["identifier", "row", "warning"],
    ]);
  });

  it("counts test rows that stand in the train rows too", () => {
    const values = other.map((value, i) => (i >= 1600 && i < 1700 ? other[i - 1600]! : value));
    const codes = Uint8Array.from({ length: n }, (_, i) => (i < 1600 ? 0 : 2));
    const report = audit(
      frameOf({
        a: numbers(values),
        b: categories(values.map((value) => (value > 0.5 ? "x" : null))),
        c: texts(values.map(String)),
      }),
      { codes },
    );
    expect(find(report, "repeatedRows")).toMatchObject([
      { severity: "warning", evidence: expect.stringContaining("25.0 % of 400 test rows") },
    ]);
  });

  it("takes rows of different times for different events, however equal they are otherwise", () => {
    const codes = Uint8Array.from({ length: n }, (_, i) => (i < 1600 ? 0 : 2));
    const frame = frameOf({
      a: numbers(other.map((_, i) => other[i % 400]!)),
      b: numbers(other.map((_, i) => noise[i % 400]!)),
      when: { kind: "timestamp", values: Float64Array.from(other, (_, i) => i * 1e6) },
    });
    const request = {
      frame,
      target: null,
      splitCodes: codes,
      contract: { columns: [] },
      allow: [],
      features: ["a", "b"],
    };
    expect(find(auditLeaks({ ...request, roles: noRoles }), "repeatedRows")).toHaveLength(1);
    expect(find(auditLeaks({ ...request, roles: { ...noRoles, time: "when" } }), "repeatedRows")).toEqual([]);
  });

  it("warns of a shift between train and test, but not of time itself under a split by time", () => {
    const codes = Uint8Array.from({ length: n }, (_, i) => (i < 1600 ? 0 : 2));
    const frame = frameOf({
      drifting: numbers(other.map((value, i) => value + i / 1000)),
      steady: numbers(other),
      when: { kind: "timestamp", values: Float64Array.from(other, (_, i) => i * 1e6) },
    });
    expect(find(audit(frame, { codes, by: "time" }), "shift")).toMatchObject([{ column: "drifting" }]);
    expect(find(audit(frame), "shift")).toEqual([]);
  });

  it("looks at no row that is left out", () => {
    const codes = new Uint8Array(n).fill(255);
    expect(audit(frameOf({ y: booleans(labels), x: numbers(other) }), { target: "y", codes }).nSampled).toBe(0);
  });
});

describe("populationShift", () => {
  it("agrees with the definition computed naively", () => {
    const column = categories(Array.from("aaabbcabbbcc"));
    const [p, q] = [
      [3 / 6, 2 / 6, 1 / 6],
      [1 / 6, 3 / 6, 2 / 6],
    ];
    const expected = p!.reduce((sum, share, i) => sum + (q![i]! - share) * Math.log(q![i]! / share), 0);
    expect(
      populationShift(column, Uint32Array.of(0, 1, 2, 3, 4, 5), Uint32Array.of(6, 7, 8, 9, 10, 11))!.psi,
    ).toBeCloseTo(expected, 12);
  });
});

describe("isIdentifierName", () => {
  it.each(["id", "ID", "customer_id", "customerID", "orderId", "uuid", "row key", "user-guid"])(
    "takes %s for one",
    (name) => {
      expect(isIdentifierName(name)).toBe(true);
    },
  );
  it.each(["paid", "humid", "age", "keyword", "identity", "is_valid", "MONKEY"])("does not take %s for one", (name) => {
    expect(isIdentifierName(name)).toBe(false);
  });
});
