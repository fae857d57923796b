import { spawnSync } from "node:child_process";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { listRuns, showRun } from "../engine/runs.ts";
import { startTracking } from "../engine/tracking.ts";
import { watchLeases } from "../store/leases.ts";
import { watchOrphans } from "./orphans.ts";
import { openProject, type Project } from "./project.ts";
import { findOrphans, findResumable, mostAttempts, resumeRun } from "./resume.ts";
import { runLoadedWorkflow } from "./run-workflow.ts";
import { loadDefinition } from "./pipelines.ts";

let root: string;
let project: Project;
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-resume-"));
  await fs.mkdir(path.join(root, "pipelines"));
  await fs.writeFile(
    path.join(root, "pipelines", "sums.ts"),
    `import { step, workflow } from "millrace";
const one = step({ name: "one", inputs: {}, outputs: { value: "json" }, run: () => ({ value: 1 }) });
export default workflow({ name: "sums", steps: [one] });
`,
  );
  project = await openProject(root, { clock });
});
afterEach(async () => {
  await project.close();
  await fs.rm(root, { recursive: true, force: true });
});

/** Makes a finished run look as a process that died left it. */
async function orphan(runId: string, attempt = 1): Promise<void> {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const dead = { status: "running" as const, finished_at: null, pid, process_started: "", attempt };
  await project.store.database.updateTable("runs").set(dead).where("id", "=", runId).execute();
}

async function runSums(file = "sums"): Promise<string> {
  const loaded = await loadDefinition(root, file);
  if (loaded.kind !== "workflow") throw new Error("sums is a workflow");
  return (await runLoadedWorkflow(project, loaded, { inline: true })).runId;
}

const watch = watchLeases(clock.monotonic);

describe("interrupted runs", () => {
  it("are found, the newest of each workflow, and go on under their own id", async () => {
    const [older, newer] = [await runSums(), await runSums()];
    await orphan(older);
    await orphan(newer);
    const found = await findResumable(project);
    expect(found.map((run) => [run.runId, run.status])).toEqual([[newer, "interrupted"]]);
    const resumed = await resumeRun(project, found[0]!, { inline: true });
    expect(resumed.result).toMatchObject({ status: "succeeded", runId: newer });
    expect(await showRun(project.store, newer)).toMatchObject({ status: "succeeded", attempt: 2 });
    expect(await findResumable(project)).toEqual([]);
  });

  it("go on from the file they were run from, wherever in the project it lies", async () => {
    await fs.mkdir(path.join(root, "flows"));
    await fs.rename(path.join(root, "pipelines", "sums.ts"), path.join(root, "flows", "sums.ts"));
    const runId = await runSums("./flows/sums.ts");
    await orphan(runId);
    const [run] = await findResumable(project);
    const resumed = await resumeRun(project, run!, { inline: true });
    expect(resumed).toMatchObject({ kind: "workflow", result: { status: "succeeded", runId } });
  });

  it("are left to a person after three attempts, and where their code ran elsewhere", async () => {
    const runId = await runSums();
    await orphan(runId, mostAttempts);
    expect(await findOrphans(project, watch)).toEqual([]);
    expect((await findResumable(project)).map((run) => run.runId)).toEqual([runId]);
    const tracking = await startTracking(project.store, clock, { name: "net", params: {}, tags: {} });
    await tracking.finish(null);
    await orphan(tracking.runId);
    expect((await findResumable(project)).map((run) => run.runId)).toEqual([runId]);
    const [tracked] = await listRuns(project.store, { workflow: "net" });
    await expect(resumeRun(project, tracked!)).rejects.toMatchObject({ code: "RUN_NOT_RESUMABLE" });
    await expect(resumeRun(project, { ...tracked!, isTracked: false, workflow: "gone" })).rejects.toMatchObject({
      code: "RUN_NOT_RESUMABLE",
      message: expect.stringContaining('no pipeline "gone"'),
    });
  });

  it("are resumed by whoever watches, if they are ours", async () => {
    const runId = await runSums();
    await orphan(runId);
    const resumed = await new Promise<string>((resolve) => {
      const watching = watchOrphans(project, {
        isOurs: (workflow) => workflow === "sums",
        resume: async (run) => {
          await resumeRun(project, (await findResumable(project))[0]!, { inline: true });
          void watching.stop().then(() => resolve(run));
        },
        onEvent: () => {},
      });
    });
    expect(resumed).toBe(runId);
    expect(await showRun(project.store, runId)).toMatchObject({ status: "succeeded", attempt: 2 });
  });
});
