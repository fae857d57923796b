import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProcessRunner } from "../engine/process/runner.ts";
import { inlineRunner } from "../engine/runner.ts";
import type { Runner } from "../engine/runner.ts";
import type { Store } from "../store/open.ts";

/**
 * Where the steps of a run are tried: users' own in child processes, all others in this one. Where there is no compiled
 * child to start (this runs from its sources), all in this process.
 */
export function runnerFor(store: Store): Runner {
  const entry = fileURLToPath(new URL("./step-worker.js", import.meta.url));
  if (!existsSync(entry)) return inlineRunner;
  return createProcessRunner({ entry, store: store.folder, env: process.env });
}
