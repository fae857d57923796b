import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createRng, type Rng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { columnOf, createFrame, type Frame, takeFromColumn } from "../frame/frame.ts";
import { inspectSource } from "../ingest/inspect.ts";
import { csv, tsv } from "../ingest/source.ts";
import type { Roles } from "../model/model.ts";
import { completeSplit } from "../prepare/split-options.ts";
import { planSplit } from "../prepare/split.ts";
import { auditLeaks, type AuditFinding, type AuditRule } from "./audit.ts";

const shared = process.env["MILLRACE_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const folder = join(shared, "data");

/** A dataset as a careful person would define it; `drop` are leaks that stand in it, and what says nothing new. */
interface Case {
  readonly file: string;
  readonly target: string;
  readonly task: "binary" | "regression";
  readonly id?: string;
  readonly time?: string;
  readonly drop?: readonly string[];
}

const cases: readonly Case[] = [
  { file: "adult.csv", target: "income", task: "binary" },
  { file: "california-housing.csv", target: "median_house_value", task: "regression" },
  { file: "compas-two-years.csv", target: "two_year_recid", task: "binary", drop: ["is_recid"] },
  { file: "sms-spam.tsv", target: "label", task: "binary" },
  { file: "taxis.csv", target: "fare", task: "regression", time: "pickup", drop: ["total", "dropoff"] },
  { file: "telco-churn.csv", target: "Churn", task: "binary", id: "customerID" },
  { file: "titanic.csv", target: "survived", task: "binary", drop: ["alive"] },
];

interface Audited {
  readonly frame: Frame;
  readonly roles: Roles;
  readonly task: Case["task"];
}

const frames = new Map<string, Frame>();

function given(of: Case): Audited {
  const whole = frames.get(of.file)!;
  const names = whole.names.filter((name) => !of.drop?.includes(name));
  const frame = createFrame(
    whole.nRows,
    names.map((name) => [name, columnOf(whole, name)] as const),
  );
  const roles: Roles = {
    target: of.target,
    id: of.id ?? null,
    time: of.time ?? null,
    group: null,
    weight: null,
    sensitive: [],
  };
  return { frame, roles, task: of.task };
}

function audit({ frame, roles, task }: Audited): readonly AuditFinding[] {
  const plan = completeSplit({}, roles, task);
  const columns = frame.names.map((name, i) => {
    return { name, kind: frame.columns[i]!.kind, missing: 1, onViolation: "warn" as const };
  });
  return auditLeaks({
    frame,
    target: roles.target,
    splitCodes: planSplit(plan, { frame, roles, task, rng: createRng(1) }),
    contract: { columns },
    roles,
    allow: [],
    by: plan.by,
  }).findings;
}

const withColumn = (of: Audited, name: string, column: ColumnData): Audited => ({
  ...of,
  frame: createFrame(of.frame.nRows, [
    ...of.frame.names.map((n, i) => [n, of.frame.columns[i]!] as const),
    [name, column],
  ]),
});

function withRows(of: Audited, rows: Uint32Array): Audited {
  const columns = of.frame.names.map((name, i) => [name, takeFromColumn(of.frame.columns[i]!, rows)] as const);
  return { ...of, frame: createFrame(rows.length, columns) };
}

const numbers = (n: number, at: (row: number) => number): ColumnData => ({
  kind: "number",
  values: Float64Array.from({ length: n }, (_, row) => at(row)),
});

const levels = (n: number, at: (row: number) => string): ColumnData => {
  const codeOf = new Map<string, number>();
  const codes = Int32Array.from({ length: n }, (_, row) => {
    const level = at(row);
    if (!codeOf.has(level)) codeOf.set(level, codeOf.size);
    return codeOf.get(level)!;
  });
  return { kind: "category", codes, levels: [...codeOf.keys()] };
};

/** The target as a number by row: 0 and 1 of labels. */
function truthOf({ frame, roles }: Audited): (row: number) => number {
  const column = columnOf(frame, roles.target!);
  if (column.kind === "category") return (row) => column.codes[row]!;
  return (row) => (column as { readonly values: ArrayLike<number> }).values[row]!;
}

/** One way to leak: what is planted, and the rules of which one must see it, at that column or (null) among the rows. */
interface Plant {
  readonly name: string;
  readonly rules: readonly AuditRule[];
  readonly column: string | null;
  plant(of: Audited, rng: Rng): Audited;
}

const noisy = (value: number, rng: Rng, task: string): number =>
  task === "binary" ? (rng.next() < 0.005 ? 1 - value : value) : value * (1 + 0.02 * (rng.next() - 0.5));

const plants: readonly Plant[] = [
  {
    name: "a noisy copy of the target under another name",
    rules: ["targetProxy"],
    column: "score_7",
    plant: (of, rng) =>
      withColumn(
        of,
        "score_7",
        numbers(of.frame.nRows, (row) => noisy(truthOf(of)(row), rng, of.task) * 3 + 1),
      ),
  },
  {
    name: "a code that maps to the target",
    rules: ["targetProxy"],
    column: "status_code",
    plant(of, rng) {
      const truth = truthOf(of);
      const bin = (value: number): number => (of.task === "binary" ? value : Math.floor(Math.log(value + 1) * 40));
      return withColumn(
        of,
        "status_code",
        levels(of.frame.nRows, (row) => `s${bin(truth(row)) * 7 + rng.integer(3) * 1000}`),
      );
    },
  },
  {
    name: "an eighth of the rows twice",
    rules: ["repeatedRows", "nearDuplicates"],
    column: null,
    plant(of, rng) {
      const n = of.frame.nRows;
      const rows = Uint32Array.from({ length: n + (n >> 3) }, (_, i) => (i < n ? i : rng.integer(n)));
      return withRows(of, rows);
    },
  },
  {
    name: "customers with several rows and one outcome each",
    rules: ["entity"],
    column: "customer_id",
    plant(of) {
      const truth = truthOf(of);
      const order = Array.from({ length: of.frame.nRows }, (_, row) => row).sort((a, b) => truth(a) - truth(b));
      const customer = new Map(order.map((row, rank) => [row, Math.floor(rank / 5)]));
      return withColumn(
        of,
        "customer_id",
        numbers(of.frame.nRows, (row) => customer.get(row)!),
      );
    },
  },
  {
    name: "the time of something that happened after",
    rules: ["future"],
    column: "settled",
    plant(of, rng) {
      const n = of.frame.nRows;
      const start = Date.UTC(2024, 0, 1);
      const known = of.roles.time === null ? null : columnOf(of.frame, of.roles.time);
      const at = (row: number): number => (known?.kind === "timestamp" ? known.values[row]! : start + row * 60_000);
      const settled = Float64Array.from({ length: n }, (_, row) => at(row) + 3_600_000 * (1 + rng.next()));
      const timed = withColumn(of, "settled", { kind: "timestamp", values: settled });
      if (known) return timed;
      const opened = withColumn(timed, "opened", {
        kind: "timestamp",
        values: Float64Array.from({ length: n }, (_, row) => at(row)),
      });
      return { ...opened, roles: { ...opened.roles, time: "opened" } };
    },
  },
  {
    name: "a name for every row",
    rules: ["identifier"],
    column: "record_uuid",
    plant: (of, rng) =>
      withColumn(
        of,
        "record_uuid",
        levels(of.frame.nRows, (row) => `${row}-${rng.integer(1_000_000)}`),
      ),
  },
];

/** A finding the clean data do not have, or one whose share (in percent) grew by more than five points. */
function isNews(finding: AuditFinding, known: readonly AuditFinding[]): boolean {
  const percent = ({ evidence }: AuditFinding): number => Number(/^([\d.]+) %/.exec(evidence)?.[1] ?? NaN);
  const before = known.find(({ rule, column }) => rule === finding.rule && column === finding.column);
  return before === undefined || percent(finding) > percent(before) + 5;
}

describe.skipIf(!existsSync(folder))("planted leaks (skipped where ../shared/data is absent)", () => {
  const clean = new Map<string, readonly AuditFinding[]>();
  beforeAll(async () => {
    for (const { file } of cases) {
      const path = join(folder, file);
      const source = file === "sms-spam.tsv" ? tsv(path, { columns: ["label", "text"], quotes: false }) : csv(path);
      frames.set(file, (await inspectSource(path, { source })).frame);
    }
    for (const of of cases) clean.set(of.file, audit(given(of)));
  });

  it("makes at most 2 errors of datasets without a known leak", () => {
    const errors = [...clean].flatMap(([file, findings]) =>
      findings.filter(({ severity }) => severity === "error").map(({ rule, column }) => `${file}: ${rule} ${column}`),
    );
    console.info(`errors of the unmodified datasets: ${errors.join("; ") || "none"}`);
    expect(errors.length, errors.join("; ")).toBeLessThanOrEqual(2);
  });

  it("catches at least 38 of 40", () => {
    const missed: string[] = [];
    let nPlanted = 0;
    for (const of of cases) {
      for (const [i, plant] of plants.entries()) {
        // A split by time keeps equal rows of one instant on one side: nothing leaks.
        if (of.time !== undefined && plant.column === null) continue;
        ++nPlanted;
        const findings = audit(plant.plant(given(of), createRng(100 + i)));
        const known = clean.get(of.file)!;
        const isCaught = findings.some(
          (finding) => plant.rules.includes(finding.rule) && finding.column === plant.column && isNews(finding, known),
        );
        if (!isCaught) missed.push(`${of.file}: ${plant.name}`);
      }
    }
    expect(nPlanted).toBeGreaterThanOrEqual(40);
    console.info(
      `planted leaks caught: ${nPlanted - missed.length} of ${nPlanted}; missed: ${missed.join("; ") || "none"}`,
    );
    expect(missed.length, missed.join("; ")).toBeLessThanOrEqual(2);
  });
});
