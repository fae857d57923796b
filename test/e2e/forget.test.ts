import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProject, expectRefusal, isBuilt, type Project } from "./cli.ts";
import { csvOf } from "./data.ts";

const ann = "ann@example.com";

/** Each of 40 patients has four stays. */
const stays = (patients: readonly string[]): string =>
  csvOf(4 * patients.length, (i, next) => ({
    patient: patients[i % patients.length],
    age: 20 + (i % 50),
    days: (i % 50) / 10 + next(),
  }));
const everybody = [ann, ...Array.from({ length: 39 }, (_, i) => `p${i}@example.com`)];

describe.skipIf(!isBuilt)("forgetting a person", () => {
  let project: Project;
  beforeAll(async () => {
    project = createProject();
    project.write("data/stays.csv", stays(everybody));
    const schema = "{ patient: m.text(), age: m.number(), days: m.number() }";
    project.pipeline(
      "stays",
      `{ name: "stays", data: m.csv("data/stays.csv"), schema: ${schema}, id: "patient", target: "days", model: m.linear() }`,
    );
    const ran = await project.run("run", "stays", "--json");
    expect(ran.code, ran.stderr).toBe(0);
  });
  afterAll(() => project.remove());

  /** Files of the store in which the person stands. */
  const holders = (): string[] => {
    const entries = fs.readdirSync(project.path(".millrace"), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    return files.filter((file) => fs.readFileSync(file).includes(ann));
  };

  it("says what would go and changes nothing, then takes it out for good and names the model", async () => {
    const before = project.snapshot();
    const planned = await project.run("forget", `patient=${ann}`, "--json");
    expect([planned.code, planned.json()]).toMatchObject([
      0,
      { dryRun: true, snapshots: [{ rows: 4, replacement: null }] },
    ]);
    expect(project.snapshot()).toEqual(before);
    expect((await project.run("forget", `patient=${ann}`)).stdout).toContain("Add --yes to do it");
    expect(holders()).not.toEqual([]);

    const done = await project.run("forget", `patient=${ann}`, "--yes");
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toContain("took out 4 rows of 1 snapshots");
    expect(done.stdout).toContain("stays version 1 was trained on them and is the champion");
    expect(holders()).toEqual([]);
    expect((await project.run("verify", "--json")).json()).toMatchObject({ sound: true });
    expect((await project.run("predict", "stays", "--row", '{"patient":"x","age":30}')).code).toBe(0);
  });

  it("stays so when the pipeline runs on a source without the person", async () => {
    project.write("data/stays.csv", stays(everybody.slice(1)));
    expect((await project.run("run", "stays")).code).toBe(0);
    expect(holders()).toEqual([]);
    const again = await project.run("forget", `patient=${ann}`, "--json");
    expect([again.code, again.json()]).toMatchObject([
      0,
      { snapshots: [], models: [{ version: 1, isChampion: false }], predictions: 0, messages: 0 },
    ]);
  });

  it("refuses what names no column", async () => {
    expectRefusal(await project.run("forget", ann, "--json"), "USAGE", 2, "column=value");
    expectRefusal(await project.run("forget", "patiend=1", "--json"), "COLUMN_MISSING", 1, "patiend");
  });
});
