import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Store } from "../store/open.ts";
import type { StepsTable } from "../store/run-tables.ts";
import { showRun } from "./runs.ts";

/** One part of a cache key that differs; null where it was not there. */
export interface PartChange {
  /** "params.factor", "code lib/scale.ts#scale", "input load.output", "seed" ... */
  readonly part: string;
  readonly before: string | null;
  readonly now: string | null;
}

export interface StepReason {
  readonly step: string;
  readonly status: StepsTable["status"];
  /** One sentence. */
  readonly reason: string;
  /** The run it is compared with: the last one before in which the step was answered; null where there is none. */
  readonly comparedWith: string | null;
  readonly changes: readonly PartChange[];
  /** Every part of the key, as it was in this run. */
  readonly parts: Readonly<Record<string, string>>;
}

/**
 * Why each step of a run (or one of them) ran or did not: its cache key, part by part, beside that of the last run of the
 * same workflow before. Throws RUN_NOT_FOUND, STEP_UNKNOWN.
 */
export async function explainRun(store: Store, runId: string, step?: string): Promise<readonly StepReason[]> {
  const run = await showRun(store, runId);
  const names = run.steps.map((one) => one.step);
  if (step !== undefined && !names.includes(step)) {
    const found = [...new Set(names)].filter((name) => !name.includes("["));
    throw new MillraceError("STEP_UNKNOWN", { step, workflow: run.workflow, found, nearest: nearestName(step, found) });
  }
  const rows = await store.database
    .selectFrom("steps")
    .select(["step", "status", "reason", "key_parts", "error_message"])
    .where("run_id", "=", runId)
    .orderBy("position")
    .orderBy("attempt")
    .execute();
  const last = new Map(rows.map((row) => [row.step, row]));
  const wanted = [...last.values()].filter((row) => (step === undefined ? !row.step.includes("[") : row.step === step));
  const reasons: StepReason[] = [];
  for (const row of wanted) reasons.push(explain(row, await previousOf(store, runId, run.workflow, row.step)));
  return reasons;
}

type Row = Pick<StepsTable, "step" | "status" | "reason" | "key_parts" | "error_message">;
interface Previous {
  readonly run_id: string;
  readonly key_parts: string | null;
  readonly status: StepsTable["status"];
}

async function previousOf(store: Store, runId: string, workflow: string, step: string): Promise<Previous | null> {
  const found = await store.database
    .selectFrom("steps")
    .innerJoin("runs", "runs.id", "steps.run_id")
    .select(["steps.run_id", "steps.key_parts", "steps.status"])
    .where("runs.workflow", "=", workflow)
    .where("steps.step", "=", step)
    .where("steps.key_parts", "is not", null)
    .where("runs.sequence", "<", (query) => query.selectFrom("runs").select("sequence").where("id", "=", runId))
    .orderBy("runs.sequence", "desc")
    .orderBy("steps.attempt", "desc")
    .limit(1)
    .executeTakeFirst();
  return found ?? null;
}

function explain(row: Row, previous: Previous | null): StepReason {
  const parts = flatten(row.key_parts);
  const before = flatten(previous?.key_parts ?? null);
  const names = [...new Set([...Object.keys(parts), ...Object.keys(before)])];
  const changes =
    previous === null || row.key_parts === null
      ? []
      : names
          .filter((part) => parts[part] !== before[part])
          .map((part) => ({ part, before: before[part] ?? null, now: parts[part] ?? null }));
  const comparedWith = previous?.run_id ?? null;
  return {
    step: row.step,
    status: row.status,
    reason: sentence(row, previous, changes.length),
    comparedWith,
    changes,
    parts,
  };
}

function sentence(row: Row, previous: Previous | null, nChanges: number): string {
  if (row.status === "skipped") return row.reason ?? row.error_message ?? "it was skipped";
  if (row.status === "cached")
    return nChanges === 0 ? "nothing it depends on changed" : "an earlier run had answered exactly this";
  if (previous === null) return "it had not run before";
  if (nChanges > 0) return `${nChanges} ${nChanges === 1 ? "part" : "parts"} of what it depends on changed`;
  if (previous.status === "failed" || previous.status === "interrupted") return `it ${previous.status} before`;
  return "nothing changed: it was forced, the cache was off, or an artifact was gone";
}

/** The parts of a key as one level of named texts. */
function flatten(json: string | null): Readonly<Record<string, string>> {
  if (json === null) return {};
  const {
    params = {},
    inputs = [],
    codeParts,
    code,
    ...rest
  } = JSON.parse(json) as Record<string, unknown> & {
    readonly params?: Readonly<Record<string, unknown>>;
    readonly inputs?: readonly (readonly [string, string])[];
    readonly codeParts?: Readonly<Record<string, string>>;
    readonly code?: string;
  };
  const flat: [string, string][] = Object.entries(rest).map(([part, value]) => [part, textOf(value)]);
  // The parts say what the digest of the whole only says differs.
  if (codeParts) for (const [part, digest] of Object.entries(codeParts)) flat.push([`code ${part}`, digest]);
  else flat.push(["code", String(code)]);
  for (const [param, value] of Object.entries(params)) flat.push([`params.${param}`, textOf(value)]);
  for (const [input, digest] of inputs) flat.push([`input ${input}`, digest]);
  return Object.fromEntries(flat);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
