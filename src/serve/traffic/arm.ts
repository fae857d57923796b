import { createHash } from "node:crypto";
import type { Rollout } from "../../registry/rollouts.ts";
import { requestIdHeader } from "../request-id.ts";

/** Who asks: a request of the server. */
export interface Asker {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What decides the arm of a request. */
export interface ArmKey {
  readonly text: string;
  /** Other requests may come with the same key, and then get the same arm. */
  readonly isShared: boolean;
}

/**
 * The key of a request by a rollout's plan: a header, a field of its first row, or its id (the header x-request-id, so that a
 * request sent again gets the same arm, else a new one). Null where it has none: such requests are the champion's, uncounted.
 */
export function keyOf(
  { plan }: Rollout,
  asker: Asker,
  rows: readonly unknown[],
  createId: () => string,
): ArmKey | null {
  const [source, name] = splitKey(plan.key);
  if (source === "request") {
    const given = asker.headers[requestIdHeader];
    return typeof given === "string" ? { text: given, isShared: true } : { text: createId(), isShared: false };
  }
  const value = source === "header" ? asker.headers[name.toLowerCase()] : memberOf(rows[0], name);
  const isUsable = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isUsable ? { text: String(value), isShared: true } : null;
}

/** "header:x-user" as its two parts. */
export function splitKey(key: string): readonly [source: string, name: string] {
  const at = key.indexOf(":");
  return at < 0 ? [key, ""] : [key.slice(0, at), key.slice(at + 1)];
}

/** Where a key stands in [0, 1): the same in every server and at every step, so that who had the candidate keeps it. */
export function placeOf({ model, sequence }: Pick<Rollout, "model" | "sequence">, key: string): number {
  const digest = createHash("sha256")
    .update(JSON.stringify([model, sequence, key]))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

function memberOf(row: unknown, name: string): unknown {
  if (row === null || typeof row !== "object" || !Object.hasOwn(row, name)) return undefined;
  return (row as Readonly<Record<string, unknown>>)[name];
}
