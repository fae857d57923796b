import { parseDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { isValid } from "../serve/access/key-ring.ts";
import { addKey, listKeys, revokeKey } from "../serve/access/keys.ts";
import type { KeyRecord } from "../serve/access/keys.ts";
import { roleOf, roles } from "../serve/access/roles.ts";
import { userName } from "./models.ts";
import type { Project } from "./project.ts";
import { instantOf } from "./registry.ts";

/** A key and whether it opens something at present. */
export interface DescribedKey extends KeyRecord {
  readonly state: "valid" | "expired" | "revoked";
}

function described(record: KeyRecord, now: number): DescribedKey {
  const { id, name, role, createdAt, expiresAt, revokedAt } = record;
  const state = revokedAt !== null ? "revoked" : isValid(record, now) ? "valid" : "expired";
  return { id, name, role, createdAt, expiresAt, revokedAt, state };
}

/** Makes a key; `key` is its text, which is kept nowhere. Throws USAGE, KEY_EXISTS. */
export async function makeKey(
  project: Project,
  name: string,
  options: { readonly role: string | undefined; readonly expires: string | undefined },
): Promise<DescribedKey & { readonly key: string }> {
  const { clock, store } = project;
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,99}$/u.test(name))
    throw new MillraceError("USAGE", {
      reason: `a key's name has up to 100 letters, digits and " ._@-", got ${JSON.stringify(name.slice(0, 120))}`,
    });
  const role = roleOf(options.role ?? "");
  if (!role)
    throw new MillraceError("USAGE", {
      reason: `--role must be one of ${roles.join(", ")}, got ${JSON.stringify(options.role ?? "")}`,
    });
  const expiresAt = options.expires === undefined ? null : endOf(options.expires, clock.now());
  const { key, text } = await addKey(store, clock, { name, role, expiresAt, by: userName() });
  return { ...described(key, clock.now()), key: text };
}

/** UTC milliseconds of "90d" from now, or of a time. */
function endOf(text: string, now: number): number {
  const duration = parseDuration(text);
  const end = duration === undefined ? instantOf("--expires", text) : now + duration;
  if (end > now) return end;
  throw new MillraceError("USAGE", { reason: `--expires must lie ahead, got "${text}"` });
}

/** Every key that was ever made, oldest first. */
export async function describeKeys(project: Project): Promise<readonly DescribedKey[]> {
  const now = project.clock.now();
  return (await listKeys(project.store)).map((key) => described(key, now));
}

/** Takes a key out of use for good; servers that run refuse it within a second. Throws KEY_NOT_FOUND. */
export async function withdrawKey(project: Project, wanted: string, reason: string | undefined): Promise<DescribedKey> {
  const { clock, store } = project;
  const record = await revokeKey(store, clock, wanted, { by: userName(), reason: reason ?? "" });
  return described(record, clock.now());
}
