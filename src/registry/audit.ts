import type { Kysely, Transaction } from "kysely";
import { sha256 } from "../core/digest.ts";
import type { Digest } from "../core/digest.ts";
import { canonicalJson } from "../core/json.ts";
import type { JsonObject } from "../core/json.ts";
import type { AuditTable, Database } from "../store/schema.ts";
import { auditSeal, sealAudit } from "../store/seals.ts";

/** Who did what when. Each digest covers the entry and the digest before it, so that no entry changes unseen. */
export interface AuditEntry {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: JsonObject;
  /** "" for the first entry. */
  readonly previousDigest: Digest | "";
  readonly digest: Digest;
}

export type AuditEvent = Pick<AuditEntry, "actor" | "action" | "subject" | "details">;

export type AuditVerdict =
  | { readonly intact: true; readonly entries: number }
  | { readonly intact: false; readonly sequence: number; readonly reason: string };

function digestOf(entry: Omit<AuditEntry, "digest">): Digest {
  const { sequence, at, actor, action, subject, details, previousDigest } = entry;
  return sha256(canonicalJson({ sequence, at, actor, action, subject, details, previousDigest }));
}

function entryOf(row: AuditTable): AuditEntry {
  return {
    sequence: row.sequence,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    details: JSON.parse(row.details) as JsonObject,
    previousDigest: row.previous_digest,
    digest: row.digest,
  };
}

/** Appends an event, inside the transaction that does what it tells. */
export async function appendAudit(transaction: Transaction<Database>, event: AuditEvent, at: number): Promise<void> {
  const last = await transaction
    .selectFrom("audit")
    .select(["sequence", "digest"])
    .orderBy("sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  const entry = { ...event, sequence: (last?.sequence ?? 0) + 1, at, previousDigest: last?.digest ?? ("" as const) };
  const digest = digestOf(entry);
  await transaction
    .insertInto("audit")
    .values({
      sequence: entry.sequence,
      at,
      actor: entry.actor,
      action: entry.action,
      subject: entry.subject,
      details: canonicalJson(entry.details),
      previous_digest: entry.previousDigest,
      digest,
    })
    .execute();
  await sealAudit(transaction, digest);
}

/** The entries about one subject, or all, oldest first. */
export async function readAudit(database: Kysely<Database>, subject?: string): Promise<readonly AuditEntry[]> {
  const all = database.selectFrom("audit").selectAll().orderBy("sequence");
  const query = subject === undefined ? all : all.where("subject", "=", subject);
  return (await query.execute()).map(entryOf);
}

/** Checks every entry against the chain and names the first that was altered, added or taken out. */
export async function verifyAuditChain(database: Kysely<Database>): Promise<AuditVerdict> {
  const rows = await database.selectFrom("audit").selectAll().orderBy("sequence").execute();
  let previous: Digest | "" = "";
  for (const [index, row] of rows.entries()) {
    const problem = problemOf(row, index + 1, previous);
    if (problem !== null) return { intact: false, sequence: index + 1, reason: problem };
    previous = row.digest;
  }
  return { intact: true, entries: rows.length };
}

/**
 * Holds an intact chain against the seal of its end, so that entries cut off the end show. Who can alter the database can
 * alter the seal, too; a digest noted elsewhere (`kept`) shows even that.
 */
export async function checkAuditEnd(
  database: Kysely<Database>,
  verdict: AuditVerdict & { readonly intact: true },
  kept?: string,
): Promise<AuditVerdict> {
  const rows = await database.selectFrom("audit").select(["sequence", "digest"]).orderBy("sequence").execute();
  const seal = await database.selectFrom("seals").select("digest").where("subject", "=", auditSeal).executeTakeFirst();
  const sequence = verdict.entries + 1;
  if (seal?.digest !== rows.at(-1)?.digest)
    return { intact: false, sequence, reason: "the log does not end where it was sealed: entries are missing" };
  if (kept !== undefined && !rows.some(({ digest }) => digest === kept))
    return { intact: false, sequence, reason: `no entry has the digest ${kept}: the log was cut or written anew` };
  return verdict;
}

function problemOf(row: AuditTable, sequence: number, previous: Digest | ""): string | null {
  if (row.sequence !== sequence) return "the entry is missing";
  if (row.previous_digest !== previous) return "the entry does not follow from the one before it";
  try {
    return digestOf(entryOf(row)) === row.digest ? null : "the entry was altered after it was written";
  } catch {
    return "the entry's details are no JSON";
  }
}
