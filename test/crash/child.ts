// A process made to be killed: `child.js run FOLDER [FAILPOINT NTH]` runs the eight steps and kills itself at the n-th
// passing of the failpoint; `child.js repeat FOLDER COUNT` runs them so often, answering nothing from the cache;
// `child.js slow FOLDER STEP` runs them once and holds that step for half a second.
import { writeSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import type { StoreHooks } from "../../src/store/hooks.ts";
import { openStore } from "../../src/store/open.ts";
import { eightSteps } from "./workflow.ts";

const [mode, folder = "", ...rest] = process.argv.slice(2);
const clock = systemClock;

/** Written at once and unbuffered: what the parent reads did happen before the kill. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function killAt(failpoint: string | undefined, nth: number): StoreHooks {
  let passed = 0;
  return {
    reached(point) {
      if (point === failpoint && ++passed === nth) process.kill(process.pid, "SIGKILL");
    },
  };
}

/** Not at once: what shows the step as running is committed first, and nobody is to be stopped within a commit. */
async function hold(step: string): Promise<void> {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  await wait(100);
  say(`holding ${step}`);
  await wait(500);
}

const hooks = mode === "run" ? killAt(rest[0], Number(rest[1])) : killAt(undefined, 0);
const runs = mode === "repeat" ? Number(rest[0]) : 1;
const held = mode === "slow" ? rest[0] : undefined;
say("begin");
const store = await openStore(folder, { clock, hooks });
for (let i = 0; i < runs; ++i) {
  const result = await runWorkflow(
    eightSteps((step) => {
      say(`started ${step}`);
      return step === held ? hold(step) : undefined;
    }),
    {
      store,
      clock,
      cache: mode !== "repeat",
      listener: {
        stepFinished: ({ step, status, outputs }) => say(`finished ${step} ${status} ${[...outputs.values()].join()}`),
      },
    },
  );
  if (result.error !== null) throw result.error;
}
await store.close();
say("end");
