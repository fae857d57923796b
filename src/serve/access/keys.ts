import type { Transaction } from "kysely";
import type { Clock } from "../../core/clock.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { nearestName } from "../../core/nearest.ts";
import { appendAudit } from "../../registry/audit.ts";
import type { Store } from "../../store/open.ts";
import type { Database, KeysTable } from "../../store/schema.ts";
import { sealKeys } from "../../store/seals.ts";
import { formatKey, hashSecret, newKey, newSalt } from "./key-text.ts";
import type { Role } from "./roles.ts";

/** A key without its secret, which nobody keeps. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: number;
  /** UTC milliseconds from which it opens nothing; null = never. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface NewKey {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt: number | null;
  readonly by: string;
}

/** A key as the server checks it. */
export interface StoredKey extends KeyRecord {
  readonly salt: string;
  readonly hash: string;
}

function recordOf(row: KeysTable): KeyRecord {
  const { id, name, role, created_at: createdAt, expires_at: expiresAt, revoked_at: revokedAt } = row;
  return Object.freeze({ id, name, role, createdAt, expiresAt, revokedAt });
}

/** Every key that was ever made, oldest first. */
export async function listKeys(store: Store): Promise<readonly StoredKey[]> {
  const rows = await store.database.selectFrom("keys").selectAll().orderBy("created_at").orderBy("id").execute();
  return rows.map((row) => Object.freeze({ ...recordOf(row), salt: row.salt, hash: row.hash }));
}

/** Makes a key; its text is given once and kept nowhere. Throws KEY_EXISTS where a key of that name is not revoked. */
export async function addKey(
  store: Store,
  clock: Clock,
  wanted: NewKey,
): Promise<{ readonly key: KeyRecord; readonly text: string }> {
  const { name, role, expiresAt, by } = wanted;
  const fresh = newKey();
  const salt = newSalt();
  const now = clock.now();
  const row: KeysTable = {
    id: fresh.id,
    name,
    role,
    salt,
    hash: hashSecret(fresh.secret, salt),
    created_at: now,
    expires_at: expiresAt,
    revoked_at: null,
  };
  await store.database.transaction().execute(async (transaction) => {
    const known = (await validKeys(transaction)).find((key) => key.name === name);
    if (known) throw new MillraceError("KEY_EXISTS", { name, id: known.id });
    await transaction.insertInto("keys").values(row).execute();
    const details = { id: fresh.id, role, expiresAt };
    await appendAudit(transaction, { actor: by, action: "addKey", subject: `key ${name}`, details }, now);
    await sealKeys(transaction);
  });
  return { key: recordOf(row), text: formatKey(fresh) };
}

/** Takes a key, by name or id, out of use for good. Throws KEY_NOT_FOUND. */
export async function revokeKey(
  store: Store,
  clock: Clock,
  wanted: string,
  authority: { readonly by: string; readonly reason: string },
): Promise<KeyRecord> {
  const now = clock.now();
  return store.database.transaction().execute(async (transaction) => {
    const valid = await validKeys(transaction);
    const row = valid.find(({ id, name }) => name === wanted || id === wanted);
    if (!row) {
      const found = valid.map(({ name }) => name);
      throw new MillraceError("KEY_NOT_FOUND", { key: wanted, found, nearest: nearestName(wanted, found) });
    }
    await transaction.updateTable("keys").set({ revoked_at: now }).where("id", "=", row.id).execute();
    const details = { id: row.id, reason: authority.reason };
    const event = { actor: authority.by, action: "revokeKey", subject: `key ${row.name}`, details };
    await appendAudit(transaction, event, now);
    await sealKeys(transaction);
    return recordOf({ ...row, revoked_at: now });
  });
}

function validKeys(transaction: Transaction<Database>): Promise<KeysTable[]> {
  return transaction.selectFrom("keys").selectAll().where("revoked_at", "is", null).execute();
}
