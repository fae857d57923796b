import type { Rng } from "../core/rng.ts";
import { mix32 } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { isMissing } from "../frame/column.ts";
import type { Frame } from "../frame/frame.ts";
import { columnOf } from "../frame/frame.ts";
import type { Roles } from "../model/model.ts";
import { roleOf } from "./roles.ts";

/**
 * A 32-bit hash of each value, the same for equal values wherever and however often they stand: text and levels by their
 * UTF-16 code units, numbers by their bits. `salt` makes independent hashes. Missing values hash to any number.
 */
export function keyHashes(column: ColumnData, salt: number): Uint32Array {
  switch (column.kind) {
    case "number":
    case "timestamp":
      return numberHashes(column.values, salt);
    case "boolean":
      return Uint32Array.from(column.values, (value) => mix32(salt ^ mix32(value + 1)));
    case "text":
      return Uint32Array.from(column.values, (value) => textHash(value ?? "", salt));
    case "category": {
      const ofLevel = Uint32Array.from(column.levels, (level) => textHash(level, salt));
      return Uint32Array.from(column.codes, (code) => ofLevel[code] ?? 0);
    }
  }
}

/** FNV-1a over UTF-16 code units, finished by MurmurHash3's mixer. */
function textHash(text: string, salt: number): number {
  let hash = (salt ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < text.length; ++i) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

function numberHashes(values: Float64Array, salt: number): Uint32Array {
  const hashes = new Uint32Array(values.length);
  const view = new DataView(new ArrayBuffer(8));
  for (let row = 0; row < values.length; ++row) {
    // Adding 0 turns -0 into 0: equal numbers are one key.
    view.setFloat64(0, values[row]! + 0);
    hashes[row] = mix32(mix32(salt ^ view.getUint32(0)) ^ view.getUint32(4));
  }
  return hashes;
}

/** Groups numbered from 0 in order of appearance. */
export interface Groups {
  /** The group of rows[i]. */
  readonly codes: Uint32Array;
  readonly sizes: Uint32Array;
  readonly count: number;
}

/** The groups of equal values among `rows`; a row without a value is a group of its own. */
export function groupCodes(column: ColumnData, rows: Uint32Array): Groups {
  const codes = new Uint32Array(rows.length);
  const sizes: number[] = [];
  const known = new Map<number | string, number>();
  for (let i = 0; i < rows.length; ++i) {
    const key = keyAt(column, rows[i]!);
    let code = key === undefined ? undefined : known.get(key);
    if (code === undefined) {
      code = sizes.length;
      sizes.push(0);
      if (key !== undefined) known.set(key, code);
    }
    codes[i] = code;
    sizes[code] = sizes[code]! + 1;
  }
  return { codes, sizes: Uint32Array.from(sizes), count: sizes.length };
}

function keyAt(column: ColumnData, row: number): number | string | undefined {
  switch (column.kind) {
    case "number":
    case "timestamp": {
      const value = column.values[row]!;
      return Number.isNaN(value) ? undefined : value;
    }
    case "boolean":
      return column.values[row]! > 1 ? undefined : column.values[row]!;
    case "category":
      return column.codes[row]! < 0 ? undefined : column.codes[row]!;
    case "text":
      return column.values[row] ?? undefined;
  }
}

/** Those of `rows` where the column has a value. */
export function withValue(column: ColumnData, rows: Uint32Array): Uint32Array {
  return rows.filter((row) => !isMissing(column, row));
}

/** Equal identities have equal hashes: those of the group, else of the id; NaN where a row has neither. */
export function identityHashes(frame: Frame, roles: Roles, rng: Rng): Float64Array {
  const salt = rng.integer(4294967296);
  const hashes = new Float64Array(frame.nRows).fill(NaN);
  if (roles.group === null) roleOf(roles, "id");
  for (const name of [roles.id, roles.group]) {
    if (name === null) continue;
    const column = columnOf(frame, name);
    const ofColumn = keyHashes(column, salt);
    for (let row = 0; row < hashes.length; ++row) if (!isMissing(column, row)) hashes[row] = ofColumn[row]!;
  }
  return hashes;
}
