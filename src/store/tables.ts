import type { Kysely } from "kysely";
import type { Database } from "./schema.ts";

export type LastingTable = Exclude<keyof Database, "leases" | "unsynced" | "step_ends">;

/**
 * Every table that lasts with its primary key, parents before what refers to them. A copy of a store has no leases and no
 * ends of steps under way, and every file of it is synced.
 */
export const lastingTables: { readonly [Table in LastingTable]: readonly (keyof Database[Table] & string)[] } = {
  counters: ["counter"],
  runs: ["id"],
  artifacts: ["digest"],
  forgotten: ["digest"],
  steps: ["run_id", "step", "attempt"],
  step_inputs: ["run_id", "step", "attempt", "input"],
  step_outputs: ["run_id", "step", "attempt", "output"],
  step_logs: ["run_id", "step", "attempt"],
  step_settings: ["run_id", "step", "attempt"],
  metrics: ["run_id", "step", "attempt", "metric"],
  params: ["run_id", "step", "attempt", "param"],
  cache_entries: ["cache_key"],
  versions: ["model", "version"],
  judgements: ["model", "version", "sequence"],
  aliases: ["model", "alias"],
  audit: ["sequence"],
  tags: ["run_id", "tag"],
  series: ["run_id", "metric", "position"],
  seals: ["subject"],
  memo: ["memo_key"],
  keys: ["id"],
  feedback: ["model", "prediction_id"],
  rollouts: ["model", "sequence"],
  rollout_tallies: ["model", "sequence", "server"],
};

type Row = Readonly<Record<string, unknown>>;

/** A row of these may hold a quarter of a megabyte: what a step printed, a definition, a report. */
const wideTables: readonly string[] = ["step_logs", "runs", "judgements"] satisfies LastingTable[];

/** How many rows of a table are in memory at once while it is copied. */
export function rowsAtOnce(table: string): number {
  return wideTables.includes(table) ? 50 : 1_000;
}

/** All rows of a table in the order of its primary key, page by page. */
export async function* pagesOf(database: Kysely<Database>, table: LastingTable): AsyncGenerator<readonly Row[]> {
  // One query for all tables: which columns there are is known only as text.
  const untyped = database as unknown as Kysely<Record<string, Row>>;
  // The types of tuples count their parts.
  const key = lastingTables[table] as unknown as readonly [string, string];
  const all = untyped.selectFrom(table).selectAll().limit(rowsAtOnce(table));
  const first = key.reduce((query, column) => query.orderBy(column), all);
  for (let query = first; ;) {
    const rows = await query.execute();
    if (rows.length > 0) yield rows;
    const last = rows[rowsAtOnce(table) - 1];
    if (last === undefined) return;
    const values = key.map((column) => last[column]) as [unknown, unknown];
    query = first.where((e) => e(e.refTuple(...key), ">", e.tuple(...values)));
  }
}
