import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { showRun } from "../engine/runs.ts";
import { number, timestamp } from "../frame/schema.ts";
import { csv } from "../ingest/source.ts";
import { pipeline } from "../pipeline/definition.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";
import { linear } from "../train/choice.ts";
import { profileSubject } from "./profile.ts";
import { type DataReport, dataReportOf, renderDataReport } from "./data-report.ts";
import { openProject } from "./project.ts";
import { runPipeline, type RunOutcome } from "./run-pipeline.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-checks-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const clock = fixedClock(Date.UTC(2024, 5, 1));
let folder = "";
let counter = 0;
beforeEach(() => {
  folder = join(root, `p${++counter}`);
  mkdirSync(join(folder, "data"), { recursive: true });
});

/** 100 trips; the given lines take the place of the first ones. */
function write(lines: readonly string[] = [], n = 100, shift = 0): void {
  const rng = createRng(7);
  const rows = Array.from({ length: n }, (_, i) => {
    const start = new Date(Date.UTC(2024, 4, 1) + i * 3_600_000);
    const km = shift + rng.next() * 10;
    return (
      lines[i] ?? [start.toISOString(), new Date(start.getTime() + 60_000 * km).toISOString(), km, 3 + 2 * km].join(",")
    );
  });
  writeFileSync(join(folder, "data", "trips.csv"), `start,stop,km,price\n${rows.join("\n")}\n`);
}

const schema = {
  start: timestamp(),
  stop: timestamp({ missing: 0.5 }),
  km: number({ min: 0, onViolation: "quarantine" }),
  price: number({ onViolation: "quarantine" }),
};

function trips(given: object): PipelineSpec {
  return pipeline({
    name: "trips",
    data: csv("data/trips.csv"),
    schema,
    checks: (c) => ({
      in_order: c.stop.since(c.start).ge(0),
      dear_enough: { holds: c.price.ge(c.km), onViolation: "quarantine" },
      cheap_enough: { holds: c.price.lt(c.km.mul(100)), onViolation: "warn" },
    }),
    target: "price",
    time: "start",
    model: linear(),
    ...given,
  }).spec;
}

async function run(spec: PipelineSpec): Promise<{
  outcome: RunOutcome;
  report: DataReport | null;
  lines: readonly string[];
  quarantined: object[];
}> {
  const project = await openProject(folder, { clock });
  try {
    const outcome = await runPipeline(project, spec, { inline: true });
    const details = await showRun(project.store, outcome.result.runId);
    const artifact = details.steps.flatMap((step) => step.outputs).find(({ type }) => type === "quarantined-rows");
    const text = artifact ? readFileSync(await project.store.artifacts.verifiedPath(artifact.digest), "utf8") : "";
    const quarantined = text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as object);
    const report = await dataReportOf(project, details);
    return { outcome, report, lines: report ? renderDataReport(report) : [], quarantined };
  } finally {
    await project.close();
  }
}

const failureOf = ({ result }: RunOutcome): string =>
  result.error instanceof Error ? result.error.message : result.status;

describe("checks between columns", () => {
  it("set rows aside with file, line and every reason, and account for all rows", async () => {
    const at = "2024-05-01T00:00:00Z";
    write([`${at},${at},-5,1`, `${at},${at},many,9`, `${at},,3,1`, `${at},${at},2,`]);
    const { outcome, lines, quarantined } = await run(trips({}));
    expect(outcome.result.status).toBe("succeeded");
    expect(lines.slice(0, 5)).toEqual([
      "100 rows in = 96 ok + 4 quarantined",
      "  1 by dear_enough: check",
      "  1 by km: kind",
      "  1 by km: min",
      "  1 by price: missing",
    ]);
    expect(quarantined).toMatchObject([
      { row: 0, file: "data/trips.csv", line: 2, reasons: [{ code: "min", column: "km", actual: "-5" }] },
      { row: 1, line: 3, reasons: [{ code: "kind", column: "km", actual: '"many"' }], values: { km: null, price: 9 } },
      { row: 2, line: 4, reasons: [{ code: "check", column: "dear_enough", actual: "price = 1, km = 3" }] },
      { row: 3, line: 5, reasons: [{ code: "missing", column: "price" }] },
    ]);
  });

  it("keep the report and the rows a run fails by, with file and line", async () => {
    write(["2024-05-01T01:00:00Z,2024-05-01T00:00:00Z,1,2", "soon,,1,2", "2024-05-02T01:00:00Z,,-3,2"]);
    const { outcome, lines, quarantined, report } = await run(trips({}));
    expect(outcome.result.status).toBe("failed");
    expect(lines.slice(0, 5)).toEqual([
      "100 rows in, of which none is used: they are not what the definition asks for",
      "  1 failed by start: kind",
      "  1 failed by in_order: check",
      '  data/trips.csv, line 3: start: expected an ISO 8601 date or time, or one in a format that clean.columns declares, got "soon"',
      expect.stringMatching(/^ {2}data\/trips.csv, line 2: in_order: expected the check to hold, got stop = /),
    ]);
    expect(quarantined).toMatchObject([
      { row: 0, line: 2, reasons: [{ code: "check", column: "in_order" }] },
      { row: 1, file: "data/trips.csv", line: 3, reasons: [{ code: "kind", column: "start" }], values: { km: 1 } },
      { row: 2, line: 4, reasons: [{ code: "min", column: "km" }] },
    ]);
    expect(report).toMatchObject({ hasFailed: true, nRows: 100, failed: [{ code: "kind" }, { code: "check" }] });
    // What failed answers nobody.
    write();
    expect((await run(trips({}))).outcome.result.status).toBe("succeeded");
    write(["2024-05-01T01:00:00Z,2024-05-01T00:00:00Z,1,2", "soon,,1,2", "2024-05-02T01:00:00Z,,-3,2"]);
    expect((await run(trips({}))).outcome.result.status).toBe("failed");
  });

  it("keep the rows a run fails by where thousands break rules that do not fail it", async () => {
    const lines = Array.from(
      { length: 1_200 },
      (_, i) => `2024-05-01T00:00:00Z,2024-05-01T00:00:00Z,${i < 1_100 ? -1 : 1},${3 + (i % 7)}`,
    );
    write(
      [...lines, "2024-05-01T00:00:00Z,2024-04-01T00:00:00Z,1,-5", "2024-05-01T00:00:00Z,2024-05-01T00:00:00Z,1,90"],
      1_300,
    );
    const outliers = { policy: "warn" as const, range: [0, 5] as const };
    const given = { schema: { ...schema, price: number({ min: 0 }) }, clean: { columns: { price: { outliers } } } };
    const { quarantined, report } = await run(trips(given));
    const failedBy = ({ reasons }: { reasons?: readonly { code: string; column: string }[] }): readonly string[] =>
      (reasons ?? []).filter(({ column }) => column !== "km").map(({ code, column }) => `${column}:${code}`);
    const failing = quarantined.filter((row) => failedBy(row).length > 0);
    expect(failing).toMatchObject([{ row: 1_200, line: 1_202 }]);
    expect(failedBy(failing[0]!)).toEqual(expect.arrayContaining(["in_order:check", "price:min"]));
    expect(report!.issues).toHaveLength(1_000);
    expect(report!.issues.slice(0, 2).map(({ row }) => row)).toEqual([1_200, 1_200]);
  });

  it("account for malformed lines among the rows set aside, and fail where they are too many", async () => {
    const at = "2024-05-01T00:00:00Z";
    write([`${at},${at},-5,1`, `${at},${at},1,2,3`, at]);
    const data = csv("data/trips.csv", { onMalformed: "quarantine" });
    const { lines, quarantined, outcome, report } = await run(trips({ data }));
    expect(lines.slice(0, 2)).toEqual([
      "100 rows in = 97 ok + 3 quarantined",
      "  2 that were no rows, such as malformed lines",
    ]);
    expect(quarantined).toMatchObject([
      { row: 0, line: 2, reasons: [{ code: "min" }] },
      { row: null, file: "data/trips.csv", line: 3, reasons: [{ actual: "has 5 cells, the first line has 4" }] },
      { row: null, line: 4, reasons: [{ actual: "has 1 cell, the first line has 4" }], values: { text: at } },
    ]);
    const step = (name: string): unknown => outcome.result.steps.find((one) => one.step === name)?.metrics;
    expect(step("validate")).toEqual({ rows: 100, ok: 97, quarantined: 3 });
    expect(step("ingest")).toEqual({ rows: 98, unreadable: 2 });
    expect(report).toMatchObject({ nUnreadable: 2, hasFailed: false });
    expect(failureOf((await run(trips({ data, expect: { quarantined: 0.03 } }))).outcome)).toBe("succeeded");
    expect(failureOf((await run(trips({ data, expect: { quarantined: 0.02 } }))).outcome)).toMatch(
      /expected at most 2.0 % of the rows set aside, got 3 of 100/,
    );
    expect(failureOf((await run(trips({}))).outcome)).toMatch(/line 3 has 5 cells/);
  });

  it("say of each rule that fails the run how often it is broken", async () => {
    write([
      "2024-05-01T01:00:00Z,2024-05-01T00:00:00Z,1,2",
      "soon,,1,2",
      "2024-05-02T01:00:00Z,2024-05-01T00:00:00Z,1,2",
    ]);
    expect(failureOf((await run(trips({}))).outcome)).toMatch(
      /breaks the contract 3 times \(in_order: check 2, start: kind 1\); first: column "start", row 2/,
    );
  });

  it("fail the run by default, and only warn where they say so", async () => {
    write(["2024-05-01T01:00:00Z,2024-05-01T00:00:00Z,1,2"]);
    expect(failureOf((await run(trips({}))).outcome)).toMatch(
      /breaks the contract 1 time; first: check "in_order", row 1/,
    );
    write(["2024-05-01T00:00:00Z,2024-05-01T00:00:00Z,1,200"]);
    expect((await run(trips({}))).outcome.result.status).toBe("succeeded");
  });
});

describe("expectations of the snapshot", () => {
  it("refuse too few rows and rows that are too old, as time goes by", async () => {
    write();
    expect(failureOf((await run(trips({ expect: { minRows: 1000 } }))).outcome)).toMatch(/at least 1000 rows, got 100/);
    const fresh = trips({ expect: { newest: "30d" } });
    expect((await run(fresh)).outcome.result.status).toBe("succeeded");
    clock.advance(30 * 86_400_000);
    expect(failureOf((await run(fresh)).outcome)).toMatch(/expected a row of the last .*, got one of/);
  });

  it("compare with the snapshot before, and fail where it moved or shrank too far", async () => {
    write();
    const spec = trips({ expect: { drift: 0.5, change: 0.5 } });
    const first = await run(spec);
    expect(first.lines).toEqual(["100 rows in = 100 ok + 0 quarantined"]);
    const again = (await run(spec)).outcome.result;
    expect(again.steps.every(({ status }) => status === "cached")).toBe(true);
    write([], 120);
    const grown = await run(spec);
    expect(grown.outcome.result.status).toBe("succeeded");
    expect(grown.lines).toContain("  rows 100 -> 120");
    write([], 120, 40);
    expect(failureOf((await run(spec)).outcome)).toMatch(/"km" distributed as in the previous snapshot/);
    write([], 30);
    expect(failureOf((await run(spec)).outcome)).toMatch(/within 50 % of the previous snapshot's 120, got 30/);
    expect((await profileSubject(folder, first.outcome.result.runId)).nRows).toBe(100);
  });

  it("ask of each column what is asked of it: a drift, a share of missing values, and whether it only warns", async () => {
    const limits = (columns: object): PipelineSpec => trips({ expect: { drift: 0.2, columns } });
    write();
    await run(limits({}));
    write([], 110, 40);
    const price = /"price" distributed as in the previous snapshot \(PSI up to 0.2\)/;
    expect(failureOf((await run(limits({ km: { onViolation: "warn" } }))).outcome)).toMatch(price);
    expect(failureOf((await run(limits({ km: { drift: 1000 }, price: { drift: false } }))).outcome)).toBe("succeeded");
    write(
      Array.from({ length: 30 }, () => "2024-05-01T00:00:00Z,,41,90"),
      120,
      40,
    );
    const asked = { stop: { missing: 0.2, drift: false }, km: { drift: 0.01, onViolation: "warn" } } as const;
    const missing = /a share of missing values of "stop" within 20.0 % of the previous snapshot's 0.0 %, got 25.0 %/;
    expect(failureOf((await run(limits(asked))).outcome)).toMatch(missing);
    const warned = await run(limits({ ...asked, stop: { ...asked.stop, onViolation: "warn" } }));
    expect(warned.lines.filter((line) => line.startsWith("  warning:"))).toEqual([expect.stringMatching(missing)]);
  });

  it("ask for the schema of the snapshot before, and only warn where they say so", async () => {
    write();
    const spec = trips({ expect: { schema: true } });
    await run(spec);
    write([], 110);
    expect((await run(spec)).outcome.result.status).toBe("succeeded");
    const wider = { ...schema, price: number({ onViolation: "quarantine" }), extra: number({ missing: 1 }) };
    const file = join(folder, "data", "trips.csv");
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    writeFileSync(file, `${lines.map((line, i) => `${line},${i === 0 ? "extra" : i}`).join("\n")}\n`);
    const given = { schema: wider, expect: { schema: true } };
    expect(failureOf((await run(trips(given))).outcome)).toMatch(
      /expected the columns as in the previous snapshot, got "extra" as well/,
    );
    const warned = await run(trips({ ...given, expect: { schema: true, minRows: 1000, onViolation: "warn" } }));
    expect(warned.outcome.result.status).toBe("succeeded");
    expect(warned.lines.filter((line) => line.startsWith("  warning:"))).toEqual([
      "  warning: expected at least 1000 rows, got 110",
      '  warning: expected the columns as in the previous snapshot, got "extra" as well',
    ]);
  });

  it("are checked when the definition is read", () => {
    expect(() => trips({ expect: { schema: 1 } })).toThrow(/must be true or false/);
    expect(() => trips({ expect: { onViolation: "quarantine" } })).toThrow(/must be one of fail, warn/);
    expect(() => trips({ expect: { rows: 3 } })).toThrow(/has the options minRows/);
    expect(() => trips({ expect: { newest: "soon" } })).toThrow(/must be a duration/);
    expect(() => trips({ time: undefined, expect: { newest: "1d" } })).toThrow(/needs a column named by `time`/);
    expect(() => trips({ expect: { drift: -1 } })).toThrow(/from 0/);
    expect(() => trips({ expect: { columns: { prise: { drift: 1 } } } })).toThrow(
      /has the options start, stop, km, price, got "prise"/,
    );
    expect(() => trips({ expect: { columns: { km: { psi: 1 } } } })).toThrow(/drift, missing, onViolation/);
    expect(() => trips({ expect: { columns: { km: { drift: true } } } })).toThrow(/expect.columns.km.drift/);
    expect(() => trips({ expect: { columns: { km: { onViolation: "quarantine" } } } })).toThrow(/one of fail, warn/);
    expect(() => trips({ checks: () => ({ km: 3 }) })).toThrow(/names that no column has/);
    expect(() => trips({ checks: () => ({ odd: 3 }) })).toThrow(/must be a boolean expression/);
    expect(() => trips({ checks: 3 })).toThrow(/must be a function/);
  });
});
