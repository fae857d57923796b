import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Store } from "../store/open.ts";
import type { RolloutsTable } from "../store/model-tables.ts";
import type { Database } from "../store/schema.ts";
import { sealModel, tallyDigest } from "../store/seals.ts";
import { appendAudit } from "./audit.ts";
import { aliasOf, type Connection, requireVersion } from "./lookup.ts";
import { type Compatibility, promote, requirePromotable } from "./promotion.ts";

/**
 * canary: a growing share of requests, judged against the champion, then champion or rolled back; split: a fixed share until
 * it is stopped; shadow: it scores requests beside the champion and answers none.
 */
export type RolloutKind = "canary" | "split" | "shadow";

export interface RolloutPlan {
  readonly kind: RolloutKind;
  /** Shares of requests in percent, ascending; that of 100 ends a canary: the version is champion then. */
  readonly percents: readonly number[];
  /** A canary's shortest time at a step, and the least requests the version answers there before the next. */
  readonly bakeMs: number;
  readonly minRequests: number;
  /** What decides which version answers: "request", "header:NAME" or "field:NAME". */
  readonly key: string;
  readonly by: string;
  readonly reason: string;
  /** Although the gate failed or callers would be refused. */
  readonly force: boolean;
}

export interface Rollout {
  readonly model: string;
  /** From 1, within the model. */
  readonly sequence: number;
  readonly version: number;
  readonly champion: number;
  readonly plan: RolloutPlan;
  readonly status: RolloutsTable["status"];
  /** When each step began that did, UTC milliseconds; the last one is under way. */
  readonly stepsAt: readonly number[];
  readonly endedAt: number | null;
  readonly reason: string | null;
}

/** What ended a rollout or moved it on, for the audit log. */
export interface RolloutCause {
  readonly by: string;
  readonly reason: string;
  readonly details?: JsonObject;
}

/** Versions that get a share of the traffic, for all servers of a store. Every change stands in the audit log. */
export interface Rollouts {
  /**
   * Throws ROLLOUT_REFUSED where one of the model is under way, no version is champion or it is this one, and what
   * `Registry.promote` throws where the version could not become champion; a shadow may be any version.
   */
  start(model: string, version: number, plan: RolloutPlan, compatibility: Compatibility): Promise<Rollout>;
  running(): Promise<readonly Rollout[]>;
  /** Newest first. */
  list(model: string): Promise<readonly Rollout[]>;
  /** Begins the next step; false where another server did, or it ended. */
  advance(rollout: Rollout, cause: RolloutCause): Promise<boolean>;
  /**
   * Makes the version champion and ends the rollout, both or neither; false where it is not as `rollout` says any more, or its
   * champion is not. Throws what `Registry.promote` throws.
   */
  promote(rollout: Rollout, compatibility: Compatibility, cause: RolloutCause): Promise<boolean>;
  /** Ends it; false where it has ended. */
  end(rollout: Rollout, status: Exclude<Rollout["status"], "running">, cause: RolloutCause): Promise<boolean>;
  /** Keeps what one server counted, in place of what it kept before. */
  keepTally(rollout: Rollout, server: string, tally: JsonValue): Promise<void>;
  /** What servers counted, by server; altered rows are left out. */
  tallies(rollout: Rollout): Promise<ReadonlyMap<string, JsonValue>>;
}

export function createRollouts(store: Store, clock: Clock): Rollouts {
  const { database } = store;
  const list = async (filter: Partial<Pick<RolloutsTable, "model" | "status">>): Promise<Rollout[]> => {
    const all = database.selectFrom("rollouts").selectAll().orderBy("model").orderBy("sequence", "desc");
    const rows = await all.where((e) => e.and(filter)).execute();
    return rows.map(rolloutOf);
  };
  return {
    start: (model, version, plan, compatibility) =>
      database
        .transaction()
        .execute((transaction) => start(transaction, [model, version], plan, compatibility, clock.now())),
    running: () => list({ status: "running" }),
    list: (model) => list({ model }),
    advance: (rollout, cause) =>
      database.transaction().execute((transaction) => advance(transaction, rollout, cause, clock.now())),
    promote: (rollout, compatibility, cause) =>
      database
        .transaction()
        .execute((transaction) => promoteAndEnd(transaction, rollout, compatibility, cause, clock.now())),
    end: (rollout, status, cause) =>
      database.transaction().execute((transaction) => end(transaction, rollout, status, cause, clock.now())),
    keepTally: (rollout, server, tally) =>
      database.transaction().execute((transaction) => keepTally(transaction, rollout, server, tally)),
    tallies: (rollout) => talliesOf(database, rollout),
  };
}

function rolloutOf(row: RolloutsTable): Rollout {
  return Object.freeze({
    model: row.model,
    sequence: row.sequence,
    version: row.version,
    champion: row.champion,
    plan: JSON.parse(row.plan) as RolloutPlan,
    status: row.status,
    stepsAt: JSON.parse(row.steps_at) as number[],
    endedAt: row.ended_at,
    reason: row.reason,
  });
}

async function start(
  transaction: Transaction<Database>,
  [model, version]: readonly [model: string, version: number],
  plan: RolloutPlan,
  compatibility: Compatibility,
  now: number,
): Promise<Rollout> {
  const { by, reason, force } = plan;
  await (plan.kind === "shadow"
    ? requireVersion(transaction, model, version)
    : requirePromotable(transaction, [model, version], { by, reason, force }, compatibility));
  const champion = await aliasOf(transaction, model, "champion");
  const all = await transaction.selectFrom("rollouts").selectAll().where("model", "=", model).execute();
  const running = all.find(({ status }) => status === "running");
  const refusal =
    champion === null
      ? "the model has no champion to compare with"
      : champion === version
        ? "it is the champion"
        : running && `a rollout of version ${running.version} is under way`;
  if (refusal) throw new MillraceError("ROLLOUT_REFUSED", { model, version, reason: refusal });
  const row: RolloutsTable = {
    model,
    sequence: all.reduce((most, { sequence }) => Math.max(most, sequence), 0) + 1,
    version,
    champion: champion!,
    plan: JSON.stringify(plan),
    status: "running",
    steps_at: JSON.stringify([now]),
    ended_at: null,
    reason: null,
  };
  await transaction.insertInto("rollouts").values(row).execute();
  const rollout = rolloutOf(row);
  const { kind, percents, bakeMs, key } = plan;
  const details = { champion, kind, percents, bakeMs, key, force };
  await note(transaction, rollout, "rollout", { by, reason, details }, now);
  await sealModel(transaction, model);
  return rollout;
}

async function advance(
  transaction: Transaction<Database>,
  rollout: Rollout,
  cause: RolloutCause,
  now: number,
): Promise<boolean> {
  const { plan, stepsAt } = rollout;
  const percent = plan.percents[stepsAt.length]!;
  return change(transaction, rollout, { steps_at: JSON.stringify([...stepsAt, now]) }, async () => {
    await note(transaction, rollout, "rolloutStep", { ...cause, details: { ...cause.details, percent } }, now);
  });
}

async function promoteAndEnd(
  transaction: Transaction<Database>,
  rollout: Rollout,
  compatibility: Compatibility,
  cause: RolloutCause,
  now: number,
): Promise<boolean> {
  const { model, version, champion, sequence, plan } = rollout;
  const present = await aliasOf(transaction, model, "champion");
  if (present !== champion || compatibility.champion !== champion) return false;
  const { by, force } = plan;
  const authority = { by, force, reason: plan.reason || `rollout ${sequence} went well` };
  return end(transaction, rollout, "promoted", cause, now, async () => {
    await promote(transaction, [model, version], authority, compatibility, now);
  });
}

/** `before` is done where it has not ended yet, and stands in the audit log before the end. */
async function end(
  transaction: Transaction<Database>,
  rollout: Rollout,
  status: Rollout["status"],
  cause: RolloutCause,
  now: number,
  before?: () => Promise<void>,
): Promise<boolean> {
  return change(transaction, rollout, { status, ended_at: now, reason: cause.reason }, async () => {
    await before?.();
    await note(transaction, rollout, "rolloutEnd", { ...cause, details: { ...cause.details, status } }, now);
  });
}

/** Changes a rollout where it is as `rollout` says: of several servers with the same mind, one does. */
async function change(
  transaction: Transaction<Database>,
  rollout: Rollout,
  values: Partial<RolloutsTable>,
  tell: () => Promise<void>,
): Promise<boolean> {
  const { model, sequence, stepsAt } = rollout;
  const asKnown = { model, sequence, status: "running" as const, steps_at: JSON.stringify(stepsAt) };
  const { numUpdatedRows } = await transaction
    .updateTable("rollouts")
    .set(values)
    .where((e) => e.and(asKnown))
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) return false;
  await tell();
  await sealModel(transaction, model);
  return true;
}

async function note(
  transaction: Transaction<Database>,
  { model, version, sequence }: Rollout,
  action: string,
  { by, reason, details }: RolloutCause,
  now: number,
): Promise<void> {
  const event = { actor: by, action, subject: model, details: { version, rollout: sequence, reason, ...details } };
  await appendAudit(transaction, event, now);
}

async function keepTally(
  transaction: Transaction<Database>,
  { model, sequence }: Rollout,
  server: string,
  tally: JsonValue,
): Promise<void> {
  const content = { model, sequence, server, tally: JSON.stringify(tally) };
  const row = { ...content, digest: tallyDigest(content) };
  await transaction
    .insertInto("rollout_tallies")
    .values(row)
    .onConflict((conflict) => conflict.columns(["model", "sequence", "server"]).doUpdateSet(row))
    .execute();
}

async function talliesOf(database: Connection, { model, sequence }: Rollout): Promise<ReadonlyMap<string, JsonValue>> {
  const rows = await database
    .selectFrom("rollout_tallies")
    .selectAll()
    .where((e) => e.and({ model, sequence }))
    .execute();
  const sound = rows.filter(({ digest, ...content }) => tallyDigest(content) === digest);
  return new Map(sound.map(({ server, tally }) => [server, JSON.parse(tally) as JsonValue]));
}
