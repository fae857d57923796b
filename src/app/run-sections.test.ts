import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { number } from "../frame/schema.ts";
import { csv } from "../ingest/source.ts";
import { pipeline } from "../pipeline/definition.ts";
import type { CardSection } from "../registry/card.ts";
import type { RunReport } from "../serve/pages/run-page.ts";
import { linear } from "../train/choice.ts";
import { openProject, type Project } from "./project.ts";
import { runPipeline } from "./run-pipeline.ts";
import { reportOfRun } from "./run-sections.ts";

let root = "";
let project: Project;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "millrace-run-sections-"));
  mkdirSync(join(root, "data"));
  project = await openProject(root, { clock: fixedClock(Date.UTC(2026, 0, 2)) });
});
afterEach(async () => {
  await project.close();
  rmSync(root, { recursive: true, force: true });
});

/** Flats, of which the given lines are the first ones. */
async function runFlats(lines: readonly string[]): Promise<void> {
  const sound = Array.from({ length: 60 }, (_, i) => `${20 + i},${1 + (i % 4)},${3 * i + (i % 7)}`);
  writeFileSync(join(root, "data", "flats.csv"), ["area,rooms,rent", ...lines, ...sound, ""].join("\n"));
  const { spec } = pipeline({
    name: "flats",
    data: csv("data/flats.csv"),
    schema: { area: number({ min: 0, onViolation: "quarantine" }), rooms: number(), rent: number() },
    target: "rent",
    model: linear(),
  });
  await runPipeline(project, spec, { inline: true });
}

const named = ({ sections }: RunReport, heading: string): CardSection | undefined =>
  sections.find((section) => section.heading === heading);

describe("the report of a run", () => {
  it("of data that break the contract says what failed, by which rules, which rows, and how its steps went", async () => {
    await runFlats(["-1,2,5", "50,many,150", "60,,180"]);
    const report = await reportOfRun(project, "flats");
    expect(report).toMatchObject({ workflow: "flats", status: "failed" });
    expect(named(report, "What failed")!.lines).toEqual([
      "step validate",
      expect.stringMatching(/^CONTRACT_VIOLATED: .*rooms/),
      expect.stringMatching(/quarantine/),
    ]);
    expect(named(report, "What checking the data found")).toEqual({
      heading: "What checking the data found",
      lines: [
        "63 rows in, of which none is used: they are not what the definition asks for",
        "1 of them would have been quarantined",
      ],
      table: {
        head: ["column or check", "rule", "count", "what became of it"],
        rows: [
          ["rooms", "kind", "1", "failed the run"],
          ["rooms", "missing", "1", "failed the run"],
          ["area", "min", "1", "rows set aside"],
        ],
      },
    });
    expect(named(report, "The first violations")!.table!.rows).toEqual([
      ["data/flats.csv, line 3", "rooms", "kind", expect.stringContaining("a finite number"), '"many"'],
      ["data/flats.csv, line 4", "rooms", "missing", expect.any(String), expect.any(String)],
      ["data/flats.csv, line 2", "area", "min", expect.stringContaining("0"), "-1"],
    ]);
    const steps = named(report, "Steps")!.table!.rows.map(([name, status]) => [name, status]);
    expect(steps.slice(0, 2)).toEqual([
      ["ingest", "ran"],
      ["validate", "failed"],
    ]);
    expect(named(report, "Where it came from")!.lines).toContain("began 2026-01-02T00:00:00.000Z");
  });

  it("that ended well has no failure, and of one that read no data there is nothing to tell of them", async () => {
    await runFlats([]);
    const report = await reportOfRun(project, "flats");
    expect([report.status, named(report, "What failed")]).toEqual(["succeeded", undefined]);
    await runFlats(["1,2"]);
    const unread = await reportOfRun(project, "flats");
    expect(named(unread, "What failed")!.lines.slice(0, 2)).toEqual(["step ingest", expect.stringMatching(/line 2/)]);
    expect(unread.sections.map(({ heading }) => heading)).toEqual(["What failed", "Steps", "Where it came from"]);
  });

  it("draws when each step ran, and nothing beside one that did not run", async () => {
    await project.close();
    let ms = Date.UTC(2026, 0, 2);
    const tick = (): number => (ms += 10);
    project = await openProject(root, { clock: { now: tick, monotonic: tick } });
    await runFlats(["50,many,150"]);
    const { rows, bars } = named(await reportOfRun(project, "flats"), "Steps")!.table!;
    const [ingest, validate] = bars!;
    expect([ingest!.from > 0, ingest!.to <= validate!.from, validate!.to]).toEqual([true, true, 1]);
    expect(rows.map(([, status], i) => [status === "skipped", bars![i] === null]).every(([a, b]) => a === b)).toBe(
      true,
    );
  });

  it("there is none of a run that nobody knows", async () => {
    await expect(reportOfRun(project, "flat")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});
