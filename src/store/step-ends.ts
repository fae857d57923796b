import type { Compilable, Kysely, Transaction } from "kysely";
import type { Digest } from "../core/digest.ts";
import { compileOnce } from "./compile-once.ts";
import { fencedError } from "./leases.ts";
import type { Fence } from "./leases.ts";
import type { Store } from "./open.ts";
import { digestOf } from "./platform-digest.ts";
import type { Database, StepEndsTable } from "./schema.ts";
import { isRefused } from "./sqlite.ts";
import { stepQueries } from "./step-rows.ts";
import type { StepRows } from "./step-rows.ts";

/**
 * Notes the end of a step as one row: it outlives the process as if all its rows were written. Throws FENCED where another
 * took the run over.
 */
export async function noteEnd(store: Pick<Store, "database" | "write">, fence: Fence, rows: StepRows): Promise<void> {
  const [changed] = await store.write([endQuery(store.database, fence, rows)], undefined, "soon");
  if (changed === 0) throw fencedError(fence);
}

/** One query that looks at the lease as well: nothing but the row is waited for. */
export function endQuery(database: Kysely<Database>, { resource, token }: Fence, rows: StepRows): Compilable {
  const [runId, said] = [rows.step.run_id, JSON.stringify(rows)];
  const digest = digestOfEnd({ token, run_id: runId, said });
  return compileOnce(database, "step end", [runId, said, digest, resource, token], () =>
    database
      .insertInto("step_ends")
      .columns(["token", "run_id", "said", "digest"])
      .expression(
        database
          .selectFrom("leases")
          .select((e) => ["token", e.val(runId).as("run_id"), e.val(said).as("said"), e.val(digest).as("digest")])
          .where("resource", "=", resource)
          .where("token", "=", token),
      ),
  );
}

/** What writes the rows that such an end says, in its place. */
export function spreadEnd(database: Kysely<Database>, { token }: Fence, rows: StepRows): readonly Compilable[] {
  const removal = compileOnce(database, "step end spread", [token], () =>
    database.deleteFrom("step_ends").where("token", "=", token),
  );
  return [...stepQueries(database, rows), removal];
}

/** The rows that an end says; null where they are not what was written. */
export function rowsOfEnd({ digest, ...end }: StepEndsTable): StepRows | null {
  return digestOfEnd(end) === digest ? (JSON.parse(end.said) as StepRows) : null;
}

export function digestOfEnd({ token, run_id, said }: Omit<StepEndsTable, "digest">): Digest {
  return digestOf(`${token} ${run_id} ${said}`);
}

/** Writes the rows that the ends of a run say, in their place. One that is damaged is as if the step had not ended. */
export async function spreadEndsOf(transaction: Transaction<Database>, runId: string): Promise<void> {
  const ends = await transaction.selectFrom("step_ends").selectAll().where("run_id", "=", runId).execute();
  for (const end of ends) {
    const rows = rowsOfEnd(end);
    const queries = rows === null ? [] : stepQueries(transaction, rows);
    for (const query of queries) await transaction.executeQuery(query.compile());
  }
  if (ends.length > 0) await removeEndsOf(transaction, runId);
}

/** As if the step had not ended. */
export async function removeEndsOf(transaction: Transaction<Database>, runId: string): Promise<void> {
  await transaction.deleteFrom("step_ends").where("run_id", "=", runId).execute();
}

/** Whether an end could not be written for what it says; whoever tries again finds the same. */
export function isUnspreadable(error: unknown): boolean {
  const isMalformed = [SyntaxError, TypeError, RangeError].some((kind) => error instanceof kind);
  return isMalformed || isRefused(error);
}
