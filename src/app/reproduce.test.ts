import { execFileSync } from "node:child_process";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { showRun } from "../engine/runs.ts";
import { boosting, category, csv, linear, number, pipeline, tune } from "../index.ts";
import { ingestReportCodec, refusedCodec } from "../pipeline/workflow/ingest-step.ts";
import { openProject, type Project } from "./project.ts";
import { collectProvenance } from "./provenance.ts";
import { reproduceRun } from "./reproduce.ts";
import { loadDefinition } from "./pipelines.ts";
import { runPipeline } from "./run-pipeline.ts";
import { runLoadedWorkflow } from "./run-workflow.ts";

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
      expect(found).toMatchObject({ equal: true, taken: ["ingest.dataset", "ingest.report", "ingest.refused"] });
      expect(found.compared.map(({ name }) => name)).toContain("gate.outcome");
    }
    expect((await reproduceRun(project, second.result.runId)).equal).toBe(true);
    expect(await project.registry.models()).toMatchObject([{ model: "homes" }]);
    expect((await project.registry.versions("homes")).length).toBeLessThanOrEqual(2);
  });

  it("takes what was no row from the report of a run of an earlier release", async () => {
    await writeHomes(200);
    await fs.appendFile(path.join(root, "homes.csv"), "1,oslo\n");
    const { spec } = pipeline({
      name: "homes",
      data: csv("homes.csv", { onMalformed: "quarantine" }),
      schema: { area: number(), city: category(), price: number() },
      target: "price",
      model: linear(),
    });
    const { result } = await runPipeline(project, spec);
    const { artifacts, database } = project.store;
    const { outputs } = result.steps.find(({ step }) => step === "ingest")!;
    const unreadable = await refusedCodec.read(artifacts.pathOf(outputs.get("refused")!));
    const refused = unreadable.map((one) => ({ ...one, file: one.file! }));
    const report = await ingestReportCodec.read(artifacts.pathOf(outputs.get("report")!));
    const former = artifacts.temporaryPath();
    await ingestReportCodec.write({ ...report, refused }, former);
    const { digest, size } = await artifacts.adopt(former);
    await database.insertInto("artifacts").values({ digest, size }).execute();
    await database.updateTable("step_outputs").set({ digest }).where("digest", "=", outputs.get("report")!).execute();
    await database.deleteFrom("step_outputs").where("output", "=", "refused").execute();
    const again = await reproduceRun(project, result.runId);
    expect(again).toMatchObject({ equal: true, error: null, taken: ["ingest.dataset", "ingest.report"] });
    expect(again.compared.map(({ name }) => name)).toContain("validate.quarantined");
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

describe("running a recorded workflow again", () => {
  const write = (file: string, source: string): Promise<void> => fs.writeFile(path.join(root, file), source);
  const runFile = async (file: string): Promise<string> => {
    const loaded = await loadDefinition(root, file);
    if (loaded.kind !== "workflow") throw new Error(`${file} holds a workflow`);
    return (await runLoadedWorkflow(project, loaded, { inline: true })).runId;
  };

  it("gives the same artifacts from a file anywhere in the project, those of a fan-out and of random steps included", async () => {
    await write(
      "draws.ts",
      `import { map, step, workflow } from "millrace";
       const list = step({ name: "list", params: { n: 3 }, run: ({ params }) => Array.from({ length: params.n }, (_, i) => i) });
       const draw = map(list.output, (n) => step({ name: "draw", inputs: { n }, run: ({ inputs, rng }) => inputs.n + rng.next() }));
       const sum = step({ name: "sum", inputs: { all: draw.output }, run: ({ inputs }) => inputs.all.reduce((a, b) => a + b, 0) });
       export default workflow({ name: "draws", seed: 5, steps: [sum] });`,
    );
    const runId = await runFile("./draws.ts");
    for (const threads of [1, 4])
      expect(await reproduceRun(project, runId, { threads })).toMatchObject({
        equal: true,
        origins: [],
        taken: [],
        compared: [{ name: "list.output" }, { name: "draw.output" }, { name: "sum.output" }],
      });
    const { provenance, seed, steps } = await showRun(project.store, runId);
    expect(provenance).toMatchObject({ file: "draws.ts", node: process.version });
    expect(seed).toBe(5);
    expect(steps[0]!.params).toEqual({ n: 3 });
  });

  it("names the step that makes something else of the same inputs, and not those that only follow it", async () => {
    await write(
      "stamps.ts",
      `import { step, workflow } from "millrace";
       const fine = step({ name: "fine", run: () => 1 });
       const stamp = step({ name: "stamp", inputs: { fine: fine.output }, run: ({ inputs }) => inputs.fine + performance.now() });
       const after = step({ name: "after", inputs: { stamp: stamp.output }, run: ({ inputs }) => inputs.stamp * 2 });
       export default workflow({ name: "stamps", steps: [after] });`,
    );
    const found = await reproduceRun(project, await runFile("./stamps.ts"));
    expect(found).toMatchObject({ equal: false, origins: ["stamp"], error: null });
    expect(found.compared.map((one) => one.recorded === one.reproduced)).toEqual([true, false, false]);
  });

  it("is refused where code, parameters or seed are not as they were, and the change is named", async () => {
    const source = (factor: number, gap: string, seed = 1): string =>
      `import { step, workflow } from "millrace";
       const gap = ${gap};
       const one = step({ name: "one", params: { factor: ${factor} }, run: ({ params }) => params.factor + gap });
       export default workflow({ name: "ones", seed: ${seed}, steps: [one] });`;
    await write("ones.ts", source(2, "7"));
    const runId = await runFile("./ones.ts");
    for (const [changed, reason] of [
      [source(2, "8"), 'the code (ones.ts#gap) of step "one" is not as it was'],
      [source(3, "7"), 'a parameter of step "one" is not as it was'],
      [source(2, "7", 2), "the seed of its workflow is not as it was"],
    ]) {
      await write("ones.ts", changed!);
      await expect(reproduceRun(project, runId)).rejects.toMatchObject({
        code: "RUN_NOT_REPRODUCIBLE",
        message: expect.stringContaining(reason!),
      });
    }
    await write("ones.ts", `${source(2, "7")} // with a remark`);
    expect((await reproduceRun(project, runId)).equal).toBe(true);
  });

  it("says what a step ended with this time only", async () => {
    await write("flag", "");
    await write(
      "flaky.ts",
      `import { existsSync } from "node:fs";
       import { step, workflow } from "millrace";
       const once = step({ name: "once", run: () => { if (!existsSync(${JSON.stringify(path.join(root, "flag"))})) throw new Error("gone"); return 1; } });
       export default workflow({ name: "flaky", steps: [once] });`,
    );
    const runId = await runFile("./flaky.ts");
    await fs.rm(path.join(root, "flag"));
    expect(await reproduceRun(project, runId)).toMatchObject({
      equal: false,
      compared: [{ name: "once.output", reproduced: null }],
      error: { code: "STEP_FAILED" },
    });
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
