import { execFileSync } from "node:child_process";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { showRun } from "../engine/runs.ts";
import { boosting, category, csv, number, pipeline, tune } from "../index.ts";
import { openProject, type Project } from "./project.ts";
import { collectProvenance } from "./provenance.ts";
import { reproduceRun } from "./reproduce.ts";
import { runPipeline } from "./run-pipeline.ts";

let root: string;
let project: Project;
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-app-"));
  project = await openProject(root, { clock });
});
afterEach(async () => {
  await project.close();
  await fs.rm(root, { recursive: true, force: true });
});

async function writeHomes(nRows: number): Promise<void> {
  const rng = createRng(3);
  const rows = Array.from({ length: nRows }, () => {
    const [area, city] = [20 + rng.integer(200), ["oslo", "bergen", "tromso"][rng.integer(3)]!];
    return `${area},${city},${area * (city === "oslo" ? 9 : 5) + rng.integer(40)}`;
  });
  await fs.writeFile(path.join(root, "homes.csv"), ["area,city,price", ...rows, ""].join("\n"));
}

const homes = pipeline({
  name: "homes",
  data: csv("homes.csv"),
  schema: { area: number(), city: category(), price: number() },
  target: "price",
  features: (c) => ({ size: c.area.log() }),
  model: tune(boosting(), { trials: 3 }),
});

describe("running a recorded run again", () => {
  it("gives the same artifacts on 1, 2 and 4 threads, without its source and without touching the store", async () => {
    await writeHomes(400);
    const { spec } = homes;
    const first = await runPipeline(project, spec);
    const second = await runPipeline(project, { ...spec, seed: spec.seed + 1 });
    await fs.rm(path.join(root, "homes.csv"));
    for (const threads of [1, 2, 4]) {
      const found = await reproduceRun(project, first.result.runId, { threads });
      expect(found.compared.filter((one) => one.recorded !== one.reproduced)).toEqual([]);
      expect(found).toMatchObject({ equal: true, taken: ["ingest.dataset", "ingest.report"] });
      expect(found.compared.map(({ name }) => name)).toContain("gate.outcome");
    }
    expect((await reproduceRun(project, second.result.runId)).equal).toBe(true);
    expect(await project.registry.models()).toMatchObject([{ model: "homes" }]);
    expect((await project.registry.versions("homes")).length).toBeLessThanOrEqual(2);
  });

  it("names the first artifact that differs", async () => {
    await writeHomes(200);
    const { result } = await runPipeline(project, homes.spec);
    const definition = JSON.stringify({ ...homes.spec, seed: 99 });
    await project.store.database.updateTable("runs").set({ definition }).execute();
    const found = await reproduceRun(project, result.runId);
    expect(found.equal).toBe(false);
    expect(found.compared.find((one) => one.recorded !== one.reproduced)?.name).toBe("split.rows");
  });

  it("says why a run cannot be run again", async () => {
    await expect(reproduceRun(project, "20260102-030405-ab12")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    const failed = await runPipeline(project, homes.spec);
    await expect(reproduceRun(project, failed.result.runId)).rejects.toMatchObject({ code: "RUN_NOT_REPRODUCIBLE" });
  });
});

describe("the provenance of a run", () => {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", root, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
      encoding: "utf8",
    });

  it("is recorded with it: no repository, lockfile, platform, threads", async () => {
    await writeHomes(200);
    await fs.writeFile(path.join(root, "package-lock.json"), "{}");
    const { result } = await runPipeline(project, homes.spec);
    const { provenance, definition, seed } = await showRun(project.store, result.runId);
    expect(provenance).toMatchObject({
      source: null,
      lockfile: { name: "package-lock.json", digest: expect.stringMatching(/^sha256:/) },
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    });
    expect(definition).toMatchObject({ name: "homes", seed });
  });

  it("tells a clean revision from a changed one, and one change from another", async () => {
    git("init", "-q");
    await fs.writeFile(path.join(root, ".gitignore"), ".millrace\n");
    await fs.writeFile(path.join(root, "a.ts"), "1");
    git("add", ".");
    git("commit", "-q", "-m", "first");
    const revision = git("rev-parse", "HEAD").trim();
    const sourceOf = async (): Promise<unknown> => (await collectProvenance(root, 1)).source;
    expect(await sourceOf()).toEqual({ revision, dirty: null });
    await fs.writeFile(path.join(root, "a.ts"), "2");
    const changed = await sourceOf();
    expect(changed).toEqual({ revision, dirty: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(await sourceOf()).toEqual(changed);
    await fs.writeFile(path.join(root, "new.ts"), "x");
    const added = await sourceOf();
    expect(added).not.toEqual(changed);
    await fs.writeFile(path.join(root, "new.ts"), "y");
    expect(await sourceOf()).not.toEqual(added);
  });
});
