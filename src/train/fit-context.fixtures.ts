import { fixedClock } from "../core/clock.ts";
import { silent } from "../core/progress.ts";
import { createRng } from "../core/rng.ts";
import type { FitContext } from "../model/estimator.ts";

/** What a training is given besides its data: a clock that stands, seed 1, one thread, and `over`. */
export function fitContext(over: Partial<FitContext> = {}): FitContext {
  return { rng: createRng(1), clock: fixedClock(), progress: silent, threads: 1, validation: null, ...over };
}
