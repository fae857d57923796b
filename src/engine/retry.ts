import { isMillraceError } from "../core/errors/error.ts";
import { parseTimeout } from "../core/duration.ts";
import type { Rng } from "../core/rng.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { Retry } from "./define-types.ts";
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

/** A policy as a definition gives it, with defaults. Throws DEFINITION_INVALID about what `at` calls the option. */
export function retryPolicyOf(at: (option: string) => string, given: Retry): RetryPolicy {
  const { attempts, delay = "1s", factor = 2, maxDelay = "1m" } = given;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 20)
    throw invalidDefinition(at("retry"), "must allow 1 to 20 attempts", showValue(attempts));
  if (!(factor >= 1 && factor <= 10))
    throw invalidDefinition(at("retry"), "must have a factor from 1 to 10", showValue(factor));
  return {
    attempts,
    factor,
    delayMs: durationMsOf(at("retry.delay"), delay),
    maxDelayMs: durationMsOf(at("retry.maxDelay"), maxDelay),
  };
}

/** Throws DEFINITION_INVALID for what is no duration, or longer than a timer can wait. */
export function durationMsOf(subject: string, text: unknown): number {
  const ms = typeof text === "string" ? parseTimeout(text) : undefined;
  if (ms !== undefined) return ms;
  throw invalidDefinition(subject, 'must be a duration such as "90s", at most 24 days', showValue(text));
}
