import { isMillraceError } from "../core/errors/error.ts";
import type { Rng } from "../core/rng.ts";
import type { RetryPolicy } from "./step.ts";

export const oneAttempt: RetryPolicy = Object.freeze({ attempts: 1, delayMs: 0, factor: 1, maxDelayMs: 0 });

/**
 * Milliseconds to wait after attempt `attempt` (from 1) failed: the policy's exponential delay times a random factor in
 * [0.5, 1), so that many steps that failed together do not come back together.
 */
export function delayAfter(policy: RetryPolicy, attempt: number, rng: Rng): number {
  const full = Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (attempt - 1));
  return Math.round(full * (0.5 + rng.next() / 2));
}

/** A mistake in the definition stays one, however often it is tried. */
export function isWorthRetrying(error: unknown): boolean {
  return !(
    isMillraceError(error) && ["WORKFLOW_INVALID", "STEP_OUTPUT_INVALID", "CANCELLED", "FENCED"].includes(error.code)
  );
}
