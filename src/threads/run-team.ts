import type { Progress } from "../core/progress.ts";
import { canUseWorkers, runCrew } from "./crew.ts";
import { controlWords, joinTeam, type Team } from "./team.ts";

const watchMs = 100;

/** Work for one thread or several, and how its progress is told. */
export interface TeamWork<Payload> {
  /** Path of the compiled CrewMember that does the same as `run`; null where there is none. */
  readonly module: string | null;
  readonly payload: Payload;
  /** As many threads as are worth it. */
  readonly threads: number;
  readonly total: number;
  readonly unit: string;
}

/** Whether this thread would do the work alone: it is not worth more, or there are none to share memory with. */
export function isAlone({ module, threads }: Pick<TeamWork<unknown>, "module" | "threads">): boolean {
  return threads < 2 || module === null || !canUseWorkers();
}

/**
 * Does the work here, with pauses, or in workers while this thread only watches, and gives each thread's result in order.
 * Once the context's signal is aborted the team is asked to stop; here `pause` throws.
 */
export async function runTeam<Payload, Result>(
  run: (payload: Payload, team: Team) => Promise<Result>,
  work: TeamWork<Payload>,
  { progress, signal }: { readonly progress: Progress; readonly signal?: AbortSignal },
  pause: () => Promise<void>,
): Promise<readonly Result[]> {
  const { module, payload, threads, total, unit } = work;
  const report = (done: number): void => progress.report(done, total, unit);
  if (isAlone(work)) return [await run(payload, { ...joinTeam(new Int32Array(controlWords), 0, 1, pause), report })];
  const watch = (control: Parameters<Parameters<typeof runCrew>[0]["watch"]>[0]): void => {
    if (signal?.aborted) control.stop();
    report(control.done());
  };
  return (await runCrew({ module: module!, payload, threads, watchMs, watch })) as Result[];
}
