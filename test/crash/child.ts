// A process made to be killed:
// `child.js run FOLDER [FAILPOINT NTH [BYTES]]` runs the eight steps, each of so many bytes, and kills itself at the n-th
// passing of the failpoint;
// `child.js keep FOLDER WORK [FAILPOINT NTH]` collects garbage ("gc"), backs up to FOLDER-backup ("backup"), restores that
// ("restore"), registers and promotes what the newest run made ("promote"), takes a person's predictions out of the log
// ("forget") or all that are old ("sweep"), or only opens the store ("open"), and kills itself at the n-th passing of the
// failpoint;
// `child.js repeat FOLDER COUNT` runs them so often, answering nothing from the cache;
// `child.js slow FOLDER STEP` runs them once and holds that step for half a second;
// `child.js track FOLDER` tracks numbers until it is killed;
// `child.js soak FOLDER MS` resumes what was interrupted, or runs anew, for so long, each run with a seed of its own;
// `child.js mixed FOLDER MS` does so too, and between runs promotes, rolls back, collects garbage and backs up.
import { rmSync, writeSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { isMillraceError } from "../../src/core/errors/error.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { startTracking } from "../../src/engine/tracking.ts";
import { forgetPredictions } from "../../src/monitor/forget-predictions.ts";
import { sweepPredictions } from "../../src/monitor/sweep-predictions.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { backUp, restoreBackup } from "../../src/store/backup.ts";
import { collectGarbage } from "../../src/store/gc.ts";
import { watchLeases } from "../../src/store/leases.ts";
import { openStore } from "../../src/store/open.ts";
import { interruptOrphans } from "../../src/store/orphans.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { killAt } from "./kill-at.ts";
import { eightSteps, seededSteps } from "./workflow.ts";

const [mode, folder = "", ...rest] = process.argv.slice(2);
const clock = systemClock;

/** Written at once and unbuffered: what the parent reads did happen before the kill. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Not at once: what shows the step as running is committed first, and nobody is to be stopped within a commit. */
async function hold(step: string): Promise<void> {
  await wait(200);
  say(`holding ${step}`);
  await wait(500);
}

const [failpoint, nth] = mode === "run" ? rest : mode === "keep" ? rest.slice(1) : [];
const hooks = killAt(failpoint, Number(nth));
say("begin");
const { MILLRACE_ARTIFACTS: artifacts, MILLRACE_STORE: metadata } = process.env;
const store = await openStore(folder, { clock, hooks, artifacts, metadata });

async function repeat(): Promise<void> {
  const held = mode === "slow" ? rest[0] : undefined;
  for (let i = 0; i < (mode === "repeat" ? Number(rest[0]) : 1); ++i) {
    const workflow = eightSteps(
      (step) => {
        say(`started ${step}`);
        // So long that the file of the next output is made ahead.
        return step === held ? hold(step) : wait(5);
      },
      mode === "run" && rest[2] !== undefined ? Number(rest[2]) : undefined,
    );
    const result = await runWorkflow(workflow, {
      store,
      clock,
      cache: mode !== "repeat",
      listener: {
        stepFinished: ({ step, status, outputs }) => say(`finished ${step} ${status} ${[...outputs.values()].join()}`),
      },
    });
    if (result.error !== null) throw result.error;
  }
}

async function trackForever(): Promise<void> {
  const run = await startTracking(store, clock, { name: "net", params: { depth: 3 }, tags: {} });
  say(`tracking ${run.runId}`);
  for (let i = 0; ; ++i) {
    run.metric("loss", 1 / (1 + i));
    await wait(5);
  }
}

/** The seed of the run to go on with, or of a new one. */
async function nextRun(watch: ReturnType<typeof watchLeases>): Promise<{ seed: number; resume?: string }> {
  await interruptOrphans(store.database, clock, watch);
  const [orphan] = await listRuns(store, { status: "interrupted", limit: 1 });
  if (!orphan) return { seed: Number.parseInt(`${process.pid}${Math.floor(clock.monotonic())}`, 10) };
  return { seed: (await showRun(store, orphan.runId)).seed, resume: orphan.runId };
}

/** One of the things that people and timers do to a store while others run pipelines. */
async function keepHouse(turn: number, runId: string, digest: Digest): Promise<void> {
  const registry = createRegistry(store, clock);
  const who = { by: `process ${process.pid}`, reason: `turn ${turn}` };
  if (turn % 4 === 1) {
    await collectGarbage(store, clock, { keepRuns: null, dryRun: false });
    say("collected");
  } else if (turn % 4 === 2) {
    const target = `${folder}-backup-${process.pid}`;
    await backUp(store, clock, target);
    const { faults } = await verifyStore(target, clock);
    rmSync(target, { recursive: true });
    if (faults.length > 0) throw new Error(JSON.stringify(faults));
    say("backed-up");
  } else if (turn % 4 === 3) {
    const { version } = await registry.rollback("eight", who);
    say(`rollback ${version} ${turn}`);
  } else {
    const verdict = { passed: true, reasons: [] };
    const registration = { model: "eight", digest, runId, metrics: {}, verdict, comparedWith: null };
    const { version } = await registry.register(registration);
    await registry.promote("eight", version, who);
    say(`promote ${version} ${turn}`);
  }
}

async function promoteNewest(): Promise<void> {
  const registry = createRegistry(store, clock);
  const [newest] = await listRuns(store, { limit: 1 });
  const { runId } = newest!;
  const { digest } = (await showRun(store, runId)).steps.at(-1)!.outputs[0]!;
  const verdict = { passed: true, reasons: [] };
  const registration = { model: "eight", digest, runId, metrics: {}, verdict, comparedWith: null };
  const { version } = await registry.register(registration);
  await registry.promote("eight", version, { by: "me", reason: "" });
}

/** As the verbs of these names do. */
async function keep(work: string | undefined): Promise<void> {
  const backup = `${folder}-backup`;
  if (work === "gc") await collectGarbage(store, clock, { keepRuns: 1, dryRun: false });
  if (work === "backup") await backUp(store, clock, backup);
  if (work === "promote") await promoteNewest();
  if (work === "forget") await forgetPredictions(folder, "person", new Set(["ann"]), false, hooks);
  if (work === "sweep") await sweepPredictions(folder, Infinity, false, hooks);
  if (work !== "restore") return;
  await store.close();
  await restoreBackup(backup, folder, clock, { force: true, hooks });
}

/** What processes on one store may refuse each other, each in so many words. */
const expected = ["FENCED", "RUN_HELD", "RUN_NOT_RESUMABLE", "STORE_IN_USE", "ROLLBACK_IMPOSSIBLE", "MODEL_NOT_FOUND"];

async function soak(): Promise<void> {
  const end = clock.monotonic() + Number(rest[0]);
  const watch = watchLeases(clock.monotonic, { here: 1_000, elsewhere: 60_000 });
  for (let turn = 0; clock.monotonic() < end; ++turn) {
    const { seed, resume } = await nextRun(watch);
    let runId = "";
    try {
      const result = await runWorkflow(
        seededSteps(seed, (step) => say(`started ${runId} ${step}`)),
        {
          store,
          clock,
          jobs: 1,
          ...(resume === undefined ? {} : { resume }),
          listener: {
            runStarted: (event) => void (runId = event.runId),
            stepFinished: ({ step, status, outputs }) => {
              if (status === "ran" || status === "cached")
                say(`finished ${runId} ${step} ${[...outputs.values()].join()}`);
            },
          },
        },
      );
      if (result.error !== null) throw result.error;
      say(`done ${runId}`);
      if (mode === "mixed") await keepHouse(turn, runId, result.steps.at(-1)!.outputs.get("bytes")!);
    } catch (error) {
      // Another process was first, or took over while this one stood still.
      if (!isMillraceError(error) || !expected.includes(error.code)) throw error;
      say(`refused ${error.code}`);
    }
  }
}

if (mode === "soak" || mode === "mixed") await soak();
else if (mode === "track") await trackForever();
else if (mode === "keep") await keep(rest[0]);
else await repeat();
await store.close();
say("end");
