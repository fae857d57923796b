import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { createFrame, type Frame } from "../frame/frame.ts";
import type { Roles } from "../model/model.ts";
import { auditLeaks, type AuditFinding } from "./audit.ts";
import { isNamedAfter } from "./audit-rules.ts";
import { nearDuplicateShare } from "./near-duplicates.ts";
import { associationTarget } from "./association.ts";
import { isEntityName, sharedEntities } from "./shared-entities.ts";
import { tellApart } from "./tell-apart.ts";

const n = 2000;
const rng = createRng(11);
const noise = (): ColumnData => ({ kind: "number", values: Float64Array.from({ length: n }, () => rng.next()) });
const at = (of: (row: number) => number): ColumnData => ({
  kind: "number",
  values: Float64Array.from({ length: n }, (_, row) => of(row)),
});
const times = (of: (row: number) => number): ColumnData => ({
  kind: "timestamp",
  values: Float64Array.from({ length: n }, (_, row) => of(row)),
});
const everyFifthTests = Uint8Array.from({ length: n }, (_, row) => (row % 5 === 4 ? 2 : 0));
const noRoles: Roles = { target: null, id: null, time: null, group: null, weight: null, sensitive: [] };

function audit(
  columns: Readonly<Record<string, ColumnData>>,
  roles: Partial<Roles>,
  more: object = {},
): readonly AuditFinding[] {
  const frame: Frame = createFrame(n, Object.entries(columns));
  const contract = {
    columns: frame.names.map((name, i) => ({
      name,
      kind: frame.columns[i]!.kind,
      missing: 0,
      onViolation: "warn" as const,
    })),
  };
  const all = { ...noRoles, ...roles };
  return auditLeaks({
    frame,
    target: all.target,
    splitCodes: everyFifthTests,
    contract,
    roles: all,
    allow: [],
    ...more,
  }).findings;
}

describe("entities on both sides", () => {
  const customer = at((row) => row % 299);
  it("are an error where the group was declared and the split does not obey it", () => {
    const columns = { customer, x: noise() };
    expect(audit(columns, { group: "customer" }, { by: "random" })).toMatchObject([
      { rule: "entity", column: "customer", severity: "error" },
    ]);
    expect(audit(columns, { group: "customer" }, { by: "time" })).toEqual([]);
    const codes = Uint8Array.from({ length: n }, (_, row) => (row % 299 < 60 ? 2 : 0));
    expect(
      audit(columns, { group: "customer" }, { by: "group", splitCodes: codes }).filter(({ rule }) => rule === "entity"),
    ).toEqual([]);
  });

  it("are a warning where only a name tells of them, and an error where one row of an entity answers for another", () => {
    const columns = { customer_id: customer, x: noise(), y: noise() };
    expect(audit(columns, { target: "y" })).toMatchObject([
      { rule: "entity", column: "customer_id", severity: "warning" },
    ]);
    const known = { ...columns, y: at((row) => (row % 299) ** 2) };
    const found = audit(known, { target: "y" }).filter(({ rule }) => rule === "entity");
    expect(found).toMatchObject([
      { severity: "error", evidence: expect.stringContaining("100.0 % of the errors") as string },
    ]);
  });

  // An answer for every row, not for every entity, would take minutes, and the test its time limit.
  it("are judged where two of them have all the rows", () => {
    const rows = Uint32Array.from({ length: 300_000 }, (_, row) => row);
    const member: ColumnData = { kind: "boolean", values: Uint8Array.from(rows, (row) => row % 2) };
    const goal: ColumnData = { kind: "number", values: Float64Array.from(rows, (row) => 10 * (row % 2) + (row % 3)) };
    const [train, test] = [rows.filter((row) => row % 5 !== 4), rows.filter((row) => row % 5 === 4)];
    const found = sharedEntities(member, train, test, associationTarget(goal, rows));
    expect(found).toMatchObject({
      share: 1,
      nEntities: 2,
      gain: expect.closeTo(1 - 2 / 3 / (25 + 2 / 3), 3) as number,
    });
  });

  it("are told by names", () => {
    for (const name of ["customer_id", "userId", "patient", "device_no", "account_name"])
      expect(isEntityName(name), name).toBe(true);
    for (const name of ["customers_total", "usage", "deviceless", "age"]) expect(isEntityName(name), name).toBe(false);
  });
});

describe("features from the future", () => {
  it("are times after the row's own, used as they are or in an expression", () => {
    const start = (row: number): number => Date.UTC(2024, 0, 1) + row * 60_000;
    const columns = {
      at: times(start),
      before: times((row) => start(row) - 1),
      after: times((row) => start(row) + 1),
      x: noise(),
    };
    const late = (more: object): unknown =>
      audit(columns, { time: "at" }, { by: "time", ...more }).filter(({ rule }) => rule === "future");
    expect(late({ features: ["before", "x"] })).toEqual([]);
    expect(late({ features: ["after", "x"] })).toMatchObject([{ column: "after", severity: "error" }]);
    expect(late({ features: ["x"], reads: ["after", "at"] })).toMatchObject([{ column: "after" }]);
  });
});

describe("totals that contain the target", () => {
  const values = (of: (row: number) => number): Float64Array => Float64Array.from({ length: n }, (_, row) => of(row));
  const number = (of: Float64Array): ColumnData => ({ kind: "number", values: of });
  const distance = values(() => 20 * rng.next());
  const fare = values((row) => 3 + 2.5 * distance[row]! + 20 * rng.next());
  const tip = values(() => 10 * rng.next());

  it("warn, though another column says much of the target too", () => {
    const total = number(values((row) => fare[row]! + tip[row]! + 3.3 * Math.round(rng.next())));
    const columns = { fare: number(fare), tip: number(tip), distance: number(distance), total };
    expect(audit(columns, { target: "fare" })).toMatchObject([
      { rule: "targetProxy", column: "total", severity: "warning" },
    ]);
  });

  it("are no sums of other columns", () => {
    const total = number(values((row) => distance[row]! + tip[row]!));
    const columns = { fare: number(fare), tip: number(tip), distance: number(distance), total };
    expect(audit(columns, { target: "fare" })).toEqual([]);
  });
});

describe("columns named after the target", () => {
  it.each([
    ["log_price", "price", true],
    ["avgPrice", "price", true],
    ["price_lag", "price", true],
    ["target", "price", true],
    ["price_per_room", "price", false],
    ["median_income", "median_house_value", false],
    ["total_rooms", "total", false],
    ["labeled", "y", false],
  ])("%s after %s: %s", (column, target, expected) => {
    expect(isNamedAfter(column, target)).toBe(expected);
  });

  it("warn, and are errors where they say much of it", () => {
    const y = noise();
    const copy = at((row) => (y as { values: Float64Array }).values[row]! + 0.3 * rng.next());
    const found = audit({ y, y_encoded: noise(), log_y: copy }, { target: "y" }).filter(
      ({ rule }) => rule === "targetName",
    );
    expect(found).toMatchObject([
      { column: "log_y", severity: "error" },
      { column: "y_encoded", severity: "warning" },
    ]);
  });
});

describe("nearDuplicateShare", () => {
  const rows = (code: number): Uint32Array =>
    Uint32Array.from(everyFifthTests.keys()).filter((row) => everyFifthTests[row] === code);
  it("sees rows that differ in one column or by a little noise, and none among rows of chance", () => {
    const columns = Array.from({ length: 6 }, noise) as { kind: "number"; values: Float64Array }[];
    expect(nearDuplicateShare(columns, rows(0), rows(2))).toBe(0);
    const [first, ...others] = columns.map(({ values }) => values.slice());
    for (let row = 4; row < n; row += 10) for (const values of others) values[row] = values[row - 1]!;
    const near = [first!, ...others].map((values) => ({ kind: "number" as const, values }));
    expect(nearDuplicateShare(near, rows(0), rows(2))).toBeCloseTo(0.5, 9);
    const jittered = near.map(({ values }) => ({
      kind: "number" as const,
      values: values.map((value) => value + 1e-5 * rng.next()),
    }));
    for (let row = 4; row < n; row += 10) jittered[0]!.values[row] = jittered[0]!.values[row - 1]! + 1e-6;
    expect(nearDuplicateShare(jittered, rows(0), rows(2))!).toBeGreaterThan(0.4);
    expect(nearDuplicateShare(columns.slice(0, 3), rows(0), rows(2))).toBeNull();
  });
});

describe("tellApart", () => {
  const half = Uint32Array.from({ length: n / 2 }, (_, row) => row);
  const rest = half.map((row) => row + n / 2);
  it("finds what moved, and nothing in two samples of one population", () => {
    const same = tellApart(["a", "b"], [noise(), noise()], half, rest)!;
    expect(Math.abs(same.auc - 0.5)).toBeLessThan(0.06);
    const moved = at((row) => rng.next() + (row >= n / 2 ? 0.5 : 0));
    const found = tellApart(["a", "moved"], [noise(), moved], half, rest)!;
    expect(found.auc).toBeGreaterThan(0.75);
    expect(found.columns[0]).toBe("moved");
    expect(tellApart(["a"], [noise()], half.subarray(0, 50), rest)).toBeNull();
  });
});
