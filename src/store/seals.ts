import type { Kysely, Transaction } from "kysely";
import type { Digest } from "../core/digest.ts";
import { digestOf } from "./platform-digest.ts";
import type { RolloutTalliesTable } from "./model-tables.ts";
import type { Database } from "./schema.ts";

const tablesOfRun = [
  "steps",
  "step_inputs",
  "step_outputs",
  "step_logs",
  "step_settings",
  "metrics",
  "params",
  "tags",
  "series",
] as const;
const tablesOfModel = ["versions", "judgements", "aliases", "rollouts"] as const;

/** Digest over rows: the database engine keeps no checksum of its own, and a changed bit must not go unseen. */
function digestOfRows(rows: readonly (readonly [table: string, row: object])[]): Digest {
  const lines = rows.map(([table, row]) => `${table} ${JSON.stringify(row)}`).sort();
  return digestOf(lines.join("\n"));
}

/** Everything recorded of a run, as one digest. */
export async function digestOfRun(database: Kysely<Database>, runId: string): Promise<Digest> {
  const runs = await database.selectFrom("runs").selectAll().where("id", "=", runId).execute();
  const rows = runs.map((row): [string, object] => ["runs", row]);
  for (const table of tablesOfRun) {
    const found = await database.selectFrom(table).selectAll().where("run_id", "=", runId).execute();
    for (const row of found) rows.push([table, row]);
  }
  return digestOfRows(rows);
}

/** Versions, judgements, aliases and rollouts of a model, as one digest. */
export async function digestOfModel(database: Kysely<Database>, model: string): Promise<Digest> {
  const rows: [string, object][] = [];
  for (const table of tablesOfModel) {
    const found = await database.selectFrom(table).selectAll().where("model", "=", model).execute();
    for (const row of found) rows.push([table, row]);
  }
  return digestOfRows(rows);
}

async function seal(transaction: Transaction<Database>, subject: string, digest: Digest): Promise<void> {
  await transaction
    .insertInto("seals")
    .values({ subject, digest })
    .onConflict((conflict) => conflict.column("subject").doUpdateSet({ digest }))
    .execute();
}

/** Seals a run that ended, in the transaction that ends it. */
export async function sealRun(transaction: Transaction<Database>, runId: string): Promise<void> {
  await seal(transaction, `run:${runId}`, await digestOfRun(transaction, runId));
}

/** Takes the seal off a run that goes on. */
export async function unsealRun(transaction: Transaction<Database>, runId: string): Promise<void> {
  await transaction.deleteFrom("seals").where("subject", "=", `run:${runId}`).execute();
}

/** Seals a model anew, in the transaction that changed it. */
export async function sealModel(transaction: Transaction<Database>, model: string): Promise<void> {
  await seal(transaction, `model:${model}`, await digestOfModel(transaction, model));
}

/** What all keys of the server are sealed under. */
export const keysSeal = "keys";

/** Every key, as one digest. */
export async function digestOfKeys(database: Kysely<Database>): Promise<Digest> {
  const rows = await database.selectFrom("keys").selectAll().execute();
  return digestOfRows(rows.map((row): [string, object] => ["keys", row]));
}

/** Seals the keys anew, in the transaction that changed one. */
export async function sealKeys(transaction: Transaction<Database>): Promise<void> {
  await seal(transaction, keysSeal, await digestOfKeys(transaction));
}

/** What the end of the audit log is sealed under: without it, entries taken off the end would leave a sound chain. */
export const auditSeal = "audit";

/** Seals the end of the audit log, in the transaction that appends the entry of that digest. */
export async function sealAudit(transaction: Transaction<Database>, last: Digest): Promise<void> {
  await seal(transaction, auditSeal, last);
}

/** Over what a server counted in a rollout, which it writes again and again by itself. */
export function tallyDigest({ model, sequence, server, tally }: Omit<RolloutTalliesTable, "digest">): Digest {
  return digestOfRows([["rollout_tallies", { model, sequence, server, tally }]]);
}
