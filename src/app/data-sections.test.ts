import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { category, number } from "../frame/schema.ts";
import { csv } from "../ingest/source.ts";
import { pipeline } from "../pipeline/definition.ts";
import type { CardSection } from "../registry/card.ts";
import { linear } from "../train/choice.ts";
import { cardOf } from "./card.ts";
import { openProject } from "./project.ts";
import { runPipeline } from "./run-pipeline.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-sections-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "data"));

/** 200 flats, of which one is too dear, three are of no size, and one is a certain person's, who sells it. */
function write(shift: number): void {
  const rng = createRng(3);
  const rows = Array.from({ length: 200 }, (_, i) => {
    const area = shift + 20 + 80 * rng.next();
    // A new agency has many flats.
    const known = i < 50 && shift > 0 ? "agency 3" : `agency ${i % 3}`;
    const owner = i === 0 ? (shift > 0 ? "Ann Example" : "Ben Example") : known;
    return [i > 0 && i < 4 ? -1 : area, owner, i === 9 ? 1e6 : 3 * area].join(",");
  });
  writeFileSync(join(root, "data", "flats.csv"), `area,owner,rent\n${rows.join("\n")}\n`);
}

const { spec } = pipeline({
  name: "flats",
  data: csv("data/flats.csv"),
  schema: {
    area: number({ min: 0, onViolation: "quarantine" }),
    owner: category(),
    rent: number({ max: 1000, onViolation: "warn" }),
  },
  expect: { minRows: 500, onViolation: "warn" },
  target: "rent",
  model: linear(),
});

it("a card shows what checking found, the snapshot before and each column, and names no level that few rows hold", async () => {
  const project = await openProject(root, { clock: fixedClock(0) });
  try {
    write(0);
    await runPipeline(project, spec, { inline: true });
    write(50);
    const { version } = await runPipeline(project, spec, { inline: true });
    const { sections } = await cardOf(project, "flats", version!);
    const named = (heading: string): CardSection => sections.find((section) => section.heading === heading)!;
    expect(named("What checking the data found")).toMatchObject({
      lines: ["200 rows in = 197 ok + 3 quarantined", "warning: expected at least 500 rows, got 200"],
      table: {
        rows: [
          ["area", "min", "3", "rows set aside"],
          ["rent", "max", "1", "warned"],
        ],
      },
    });
    const before = named("Against the snapshot before");
    expect(before.lines).toEqual(["rows 200 -> 200"]);
    expect(before.table!.rows).toEqual([
      ["rent", expect.stringMatching(/^PSI \d\.\d{3} \(large\)$/)],
      ["area", expect.stringMatching(/^PSI \d\.\d{3} \(large\)$/)],
      ["owner", expect.stringMatching(/^PSI \d\.\d{3}[^;]*; new: agency 3$/)],
    ]);
    const columns = named("Columns of the snapshot").table!.rows;
    expect(columns.map(([column, kind]) => [column, kind])).toEqual([
      ["area", "number"],
      ["owner", "category"],
      ["rent", "number"],
    ]);
    expect(columns[1]!.at(-1)).toContain("agency 3 24.5 %");
    expect(JSON.stringify(sections)).not.toMatch(/Ann Example|Ben Example/);
  } finally {
    await project.close();
  }
});
