import type { ColumnData } from "../frame/column.ts";
import type { Task } from "../model/model.ts";
import { argsort } from "../math/sort.ts";
import { groupCodes } from "./keys.ts";

const regressionStrata = 10;

/** Rows reordered so that each stratum stands together: stratum s holds rows offsets[s] to offsets[s + 1]. */
export interface Strata {
  readonly rows: Uint32Array;
  readonly offsets: Uint32Array;
}

/**
 * Divides `rows` by the target: a stratum a label, for regression ten of equal size by value. Within a stratum rows keep
 * their order. Rows without a target must have been left out before.
 */
export function strataOf(target: ColumnData, task: Task, rows: Uint32Array): Strata {
  if (task !== "regression" || target.kind !== "number") return groupedBy(rows, groupCodes(target, rows).codes);
  const values = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; ++i) values[i] = target.values[rows[i]!]!;
  return groupedBy(rows, rankStrata(values));
}

/** The tenth of the ranking each value falls in; equal values may fall in two. */
function rankStrata(values: Float64Array): Uint32Array {
  const order = argsort(values);
  const codes = new Uint32Array(values.length);
  for (let rank = 0; rank < order.length; ++rank)
    codes[order[rank]!] = Math.floor((rank * regressionStrata) / order.length);
  return codes;
}

/** A stable counting sort of `rows` by their code. */
function groupedBy(rows: Uint32Array, codes: Uint32Array): Strata {
  let nStrata = 0;
  for (let i = 0; i < codes.length; ++i) if (codes[i]! >= nStrata) nStrata = codes[i]! + 1;
  const offsets = new Uint32Array(nStrata + 1);
  for (let i = 0; i < codes.length; ++i) offsets[codes[i]! + 1] = offsets[codes[i]! + 1]! + 1;
  for (let s = 0; s < nStrata; ++s) offsets[s + 1] = offsets[s + 1]! + offsets[s]!;
  const next = offsets.slice();
  const grouped = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; ++i) {
    const stratum = codes[i]!;
    grouped[next[stratum]!] = rows[i]!;
    next[stratum] = next[stratum]! + 1;
  }
  return { rows: grouped, offsets };
}
