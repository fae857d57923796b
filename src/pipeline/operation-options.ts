import { parseDuration, type Duration } from "../core/duration.ts";
import type { Retry } from "../engine/define-types.ts";
import { durationMsOf, retryPolicyOf } from "../engine/retry.ts";
import type { RetryPolicy } from "../engine/step.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { ApprovalRule } from "../registry/approvals.ts";
import { refuseUnknownOptions } from "./option-names.ts";
import type { MonitorSpec, OwnStepSpec, RetrainSpec } from "./spec.ts";

type Given = Readonly<Record<string, unknown>>;

const followable: readonly string[] = ["ingest", "validate", "train", "evaluate", "gate", "promote"];
const contextBefore: Readonly<Record<string, OwnStepSpec["after"]>> = {
  validate: "ingest",
  split: "validate",
  train: "validate",
  evaluate: "train",
  gate: "evaluate",
  promote: "gate",
};
const replaceable: readonly string[] = ["split", "gate"];
const builtIn: readonly string[] = ["split", "audit", "features", "tune", "explain", "register", ...followable];

/** Own steps, checked; their names must differ from those of Millrace's steps. */
export function stepSpecs(steps: unknown): readonly OwnStepSpec[] {
  if (steps === undefined) return Object.freeze([]);
  return Object.freeze(Object.entries(objectOf("steps", steps)).map(([name, step]) => stepSpec(name, step)));
}

function stepSpec(name: string, step: unknown): OwnStepSpec {
  const subject = `steps.${name}`;
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(name) || builtIn.includes(name))
    throw invalidDefinition(
      "steps",
      "have names of letters, digits, _ and - that no built-in step has",
      showValue(name),
    );
  const given = objectOf(subject, step);
  refuseUnknownOptions(subject, given, [...places, "retry", "timeout", "memory", "env", "tags", "run"]);
  const { retry, timeout, memory = null, env = [], tags, run } = given;
  if (memory !== null && !(Number.isSafeInteger(memory) && (memory as number) >= 16))
    throw invalidDefinition(`${subject}.memory`, "must be a whole number of MiB, at least 16", showValue(memory));
  if (typeof run !== "function") throw invalidDefinition(`${subject}.run`, "must be a function", showValue(run));
  return Object.freeze({
    name,
    ...placeOf(subject, given),
    memoryMb: memory as number | null,
    env: textsOf(`${subject}.env`, env),
    ...(tags === undefined ? {} : { tags: textsOf(`${subject}.tags`, tags) }),
    ...(retry === undefined ? {} : { retry: retryOf(subject, retry) }),
    timeoutMs:
      timeout === undefined ? null : durationMsOf(`${subject}.timeout`, durationOf(`${subject}.timeout`, timeout)),
    run: run as OwnStepSpec["run"],
  });
}

function textsOf(subject: string, given: unknown): readonly string[] {
  if (Array.isArray(given) && given.every((one) => typeof one === "string")) return Object.freeze([...given]);
  throw invalidDefinition(subject, "must be a list of names", showValue(given));
}

function retryOf(step: string, given: unknown): RetryPolicy {
  const subject = `${step}.retry`;
  const retry = objectOf(subject, given);
  refuseUnknownOptions(subject, retry, ["attempts", "delay", "factor", "maxDelay"]);
  return Object.freeze(retryPolicyOf((option) => `${step}.${option}`, retry as unknown as Retry));
}

const places = ["after", "before", "instead"] as const;

/** Exactly one of after, before and instead says where the step stands. */
function placeOf(subject: string, given: Given): Pick<OwnStepSpec, "after" | "place" | "at"> {
  const named = places.filter((place) => given[place] !== undefined);
  const [place = "after"] = named;
  if (named.length > 1)
    throw invalidDefinition(subject, "stands after, before or instead of one step", named.join(" and "));
  const at = given[place];
  const allowed = { after: followable, before: Object.keys(contextBefore), instead: replaceable }[place];
  if (typeof at !== "string" || !allowed.includes(at))
    throw invalidDefinition(`${subject}.${place}`, `must be one of ${allowed.join(", ")}`, showValue(at));
  return { place, at, after: place === "after" ? (at as OwnStepSpec["after"]) : contextBefore[at]! };
}

/** Retraining, with defaults; null where the definition has none. */
export function retrainSpec(retrain: unknown): RetrainSpec | null {
  if (retrain === undefined) return null;
  const given = objectOf("retrain", retrain);
  refuseUnknownOptions("retrain", given, ["cron", "timeZone", "onDrift"]);
  const { cron = null, timeZone = "UTC", onDrift = false } = given;
  if (typeof onDrift !== "boolean")
    throw invalidDefinition("retrain.onDrift", "must be true or false", showValue(onDrift));
  if (cron !== null && !isCron(cron))
    throw invalidDefinition("retrain.cron", 'must be a cron expression such as "0 3 * * 1"', showValue(cron));
  if (!isTimeZone(timeZone))
    throw invalidDefinition(
      "retrain.timeZone",
      'must be an IANA time zone such as "Europe/Berlin"',
      showValue(timeZone),
    );
  if (cron === null && !onDrift)
    throw invalidDefinition("retrain", "needs `cron` or `onDrift: true`", "neither", "Leave `retrain` out otherwise.");
  return Object.freeze({ cron: cron as string | null, timeZone: timeZone as string, onDrift });
}

/** The shape of a cron expression; whether its numbers make sense is left to the scheduler, which reads it at start. */
function isCron(value: unknown): boolean {
  if (typeof value !== "string") return false;
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i.test(value)) return true;
  const fields = value.trim().split(/\s+/);
  return (fields.length === 5 || fields.length === 6) && fields.every((field) => /^[\dA-Za-z*/,\-?#+]+$/.test(field));
}

function isTimeZone(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** Monitoring, with defaults. */
export function monitorSpec(
  monitor: unknown,
  columnsOf: (subject: string, given: unknown) => readonly string[],
): MonitorSpec {
  const given = monitor === undefined ? {} : objectOf("monitor", monitor);
  refuseUnknownOptions("monitor", given, ["window", "every", "psi", "minRows", "redact"]);
  const { window = "1d", every = "1m", psi = 0.2, minRows = 200 } = given;
  if (typeof psi !== "number" || !(psi > 0 && psi < Infinity))
    throw invalidDefinition("monitor.psi", "must be a number above 0", showValue(psi));
  if (typeof minRows !== "number" || !Number.isInteger(minRows) || minRows < 1)
    throw invalidDefinition("monitor.minRows", "must be a whole number from 1", showValue(minRows));
  return Object.freeze({
    window: durationOf("monitor.window", window),
    every: durationOf("monitor.every", every),
    psi,
    minRows,
    ...(given["redact"] !== undefined && { redact: columnsOf("monitor.redact", given["redact"]) }),
  });
}

/** Reviewers by role, in the order of the definition. */
export function approvalRules(given: unknown): readonly ApprovalRule[] {
  const rules = Object.entries(objectOf("approvals", given)).map(([role, rule]): ApprovalRule => {
    const subject = `approvals.${role}`;
    const members = objectOf(subject, rule);
    refuseUnknownOptions(subject, members, ["by", "atLeast"]);
    const { by, atLeast = 1 } = members;
    const isNames = Array.isArray(by) && by.length > 0 && by.every((name) => typeof name === "string" && name !== "");
    if (!isNames) throw invalidDefinition(`${subject}.by`, "must be a list of names", showValue(by));
    const names = [...new Set(by as string[])];
    if (typeof atLeast !== "number" || !Number.isInteger(atLeast) || atLeast < 1 || atLeast > names.length)
      throw invalidDefinition(
        `${subject}.atLeast`,
        `must be a whole number from 1 to ${names.length}`,
        showValue(atLeast),
      );
    return Object.freeze({ role, by: Object.freeze(names), atLeast });
  });
  if (rules.length === 0)
    throw invalidDefinition("approvals", "must name a role", "none", "Leave `approvals` out otherwise.");
  return Object.freeze(rules);
}

/** The seed of a run: a whole number from 0 to 2^32 - 1, default 1. */
export function seedOf(seed: unknown): number {
  if (seed === undefined) return 1;
  if (typeof seed === "number" && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw invalidDefinition("seed", "must be a whole number from 0 to 4294967295", showValue(seed));
}

function durationOf(subject: string, value: unknown): Duration {
  const ms = typeof value === "string" ? parseDuration(value) : undefined;
  if (ms !== undefined && ms > 0) return value as Duration;
  throw invalidDefinition(subject, 'must be a duration such as "90s", "15m" or "1d"', showValue(value));
}

function objectOf(subject: string, value: unknown): Given {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Given;
  throw invalidDefinition(subject, "must be an object", showValue(value));
}
