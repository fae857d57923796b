import { toMillraceError } from "../core/errors/error.ts";
import { pause } from "../core/pause.ts";
import { watchLeases } from "../store/leases.ts";
import type { Project } from "./project.ts";
import { findOrphans } from "./resume.ts";

const lookMs = 1_000;

export interface OrphanWatch {
  stop(): Promise<void>;
}

/** Looks every second for runs whose process is gone and resumes them, one after another. */
export function watchOrphans(
  project: Project,
  options: {
    readonly isOurs: (pipeline: string) => boolean;
    readonly resume: (run: string, signal: AbortSignal) => Promise<void>;
    readonly onEvent: (text: string) => void;
  },
): OrphanWatch {
  const { isOurs, resume, onEvent } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const leases = watchLeases(project.clock.monotonic);
  const look = async (): Promise<void> => {
    for (const run of await findOrphans(project, leases)) {
      if (signal.aborted || !isOurs(run.workflow)) continue;
      onEvent(`resuming run ${run.runId} of ${run.workflow}`);
      await resume(run.runId, signal);
      onEvent(`resumed run ${run.runId} of ${run.workflow}`);
    }
  };
  const watching = (async (): Promise<void> => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => {
        if (!signal.aborted) onEvent(`resuming failed: ${toMillraceError(error).message}`);
      });
      await pause(lookMs, signal);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
