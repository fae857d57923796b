import { createHash, createHmac } from "node:crypto";
import { MillraceError } from "../core/errors/error.ts";
import type { Contract, ContractColumn } from "../frame/contract.ts";
import { keyVariable, type Privacy } from "../frame/privacy.ts";
import { quoteLiteral } from "../query/quote.ts";
import type { QuerySession } from "../query/session.ts";
import type { Conversion } from "./convert.ts";

const shortestKey = 16;
const blockBytes = 64;

/** The key for a contract's hashes; null where it has none. Throws PRIVACY_KEY_MISSING. */
export function keyFor(contract: Contract, key: string | undefined): string | null {
  const hashed = contract.columns.find(({ privacy }) => keyVariable(privacy) !== null);
  if (hashed === undefined) return null;
  if (key !== undefined && key.length >= shortestKey) return key;
  throw new MillraceError("PRIVACY_KEY_MISSING", { column: hashed.name, variable: keyVariable(hashed.privacy)! });
}

/** What a text is kept as under a key: HMAC-SHA-256 (RFC 2104), hexadecimal. */
export function keyedHash(text: string, key: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

/** Says which key it is without telling it, so that hashes of another key are not taken for those of this one. */
export function keyMark(key: string): string {
  return keyedHash("millrace key", key).slice(0, 16);
}

/** Gives the session the two blocks of the HMAC, so that no query holds the key: queries are shown where they fail. */
export async function setKey(session: QuerySession, key: string): Promise<void> {
  const given = Buffer.from(key);
  const block = Buffer.alloc(blockBytes);
  // A key longer than a block stands for its hash.
  (given.length > blockBytes ? createHash("sha256").update(given).digest() : given).copy(block);
  const literal = (pad: number): string =>
    quoteLiteral([...block].map((byte) => `\\x${(byte ^ pad).toString(16).padStart(2, "0").toUpperCase()}`).join(""));
  await session.run(`SET VARIABLE inner_block = ${literal(0x36)}::BLOB`);
  await session.run(`SET VARIABLE outer_block = ${literal(0x5c)}::BLOB`);
}

/** The conversion with what its column's privacy leaves of a value; nothing of the cell is shown where it is at fault. */
export function guardValue(conversion: Conversion, column: ContractColumn): Conversion {
  const { privacy } = column;
  if (privacy === undefined) return conversion;
  return { ...conversion, value: guarded(conversion.value, column, privacy), shown: "'(not shown)'" };
}

function guarded(value: string, { kind }: ContractColumn, privacy: Privacy): string {
  if (privacy === "hash" || "hash" in privacy) {
    const inner = `unhex(sha256(getvariable('inner_block') || encode(${value})))`;
    return `CASE WHEN (${value}) IS NOT NULL THEN sha256(getvariable('outer_block') || ${inner}) END`;
  }
  if ("mask" in privacy) {
    const hidden = `CASE WHEN length(${value}) > ${privacy.mask} THEN length(${value}) - ${privacy.mask} ELSE length(${value}) END`;
    return `repeat('*', ${hidden}) || right(${value}, length(${value}) - (${hidden}))`;
  }
  const { generalise } = privacy;
  if (kind === "timestamp") return `date_trunc(${quoteLiteral(String(generalise))}, ${value})`;
  if (kind === "number") return `floor((${value}) / ${String(generalise)}) * ${String(generalise)}`;
  return `left(${value}, ${String(generalise)})`;
}
