import { mix32 } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";

/**
 * How many of the test rows have an equal row among the train rows. Rows are compared by a hash of 64 bits, computed
 * column by column; two different rows share one with a probability of about 10^-10 at 3,000,000 x 50,000 rows.
 */
export function repeatedTestRows(columns: readonly ColumnData[], train: Uint32Array, test: Uint32Array): number {
  const ofTest = hashRows(columns, test);
  const table = createTable(ofTest);
  const ofTrain = hashRows(columns, train);
  for (let i = 0; i < train.length; ++i) table.mark(ofTrain.high[i]!, ofTrain.low[i]!);
  return table.countMarked();
}

/** How many rows are equal to an earlier row in every column. */
export function countRepeatedRows(columns: readonly ColumnData[], nRows: number): number {
  const rows = new Uint32Array(nRows).map((_, row) => row);
  return nRows - createTable(hashRows(columns, rows)).nDistinct;
}

/** A number for each row, equal for rows equal in every column and mostly different for others: 53 bits of their hash. */
export function rowKeys(columns: readonly ColumnData[], rows: Uint32Array): Float64Array {
  const { high, low } = hashRows(columns, rows);
  return Float64Array.from(high, (value, i) => value * 2097152 + (low[i]! >>> 11));
}

interface RowHashes {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

function hashRows(columns: readonly ColumnData[], rows: Uint32Array): RowHashes {
  const high = new Uint32Array(rows.length).fill(0x9e3779b9);
  const low = new Uint32Array(rows.length).fill(0x85ebca6b);
  for (const column of columns) addColumn(column, rows, high, low);
  return { high, low };
}

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

function addColumn(column: ColumnData, rows: Uint32Array, high: Uint32Array, low: Uint32Array): void {
  const n = rows.length;
  switch (column.kind) {
    case "number":
    case "timestamp":
      for (let i = 0; i < n; ++i) {
        bits[0] = column.values[rows[i]!]! + 0; // -0 becomes 0
        high[i] = mix32(mix32(high[i]! ^ words[0]!) ^ words[1]!);
        low[i] = mix32(mix32(low[i]! + words[1]!) + words[0]!);
      }
      return;
    case "boolean":
    case "category": {
      const codes = column.kind === "boolean" ? column.values : column.codes;
      for (let i = 0; i < n; ++i) {
        const code = codes[rows[i]!]!;
        high[i] = mix32(high[i]! ^ code) + 1;
        low[i] = mix32(low[i]! + Math.imul(code, 0x9e3779b1) + 1);
      }
      return;
    }
    case "text":
      for (let i = 0; i < n; ++i) {
        const text = column.values[rows[i]!];
        let hash = text === null ? 1 : 0x811c9dc5;
        for (let k = 0, length = text?.length ?? 0; k < length; ++k)
          hash = Math.imul(hash ^ text!.charCodeAt(k), 0x01000193);
        high[i] = mix32(high[i]! ^ hash) + (text?.length ?? 0);
        low[i] = mix32(low[i]! + Math.imul(hash, 0x9e3779b1) + 1);
      }
  }
}

interface HashTable {
  mark(high: number, low: number): void;
  countMarked(): number;
  readonly nDistinct: number;
}

/** Open addressing with linear probing over positions in `hashes`, at most half full; equal hashes share a slot and a count. */
function createTable({ high, low }: RowHashes): HashTable {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, high.length * 2)));
  const mask = size - 1;
  const slots = new Int32Array(size).fill(-1);
  const counts = new Uint32Array(high.length);
  const marked = new Uint8Array(high.length);
  let nDistinct = 0;
  const slotOf = (h: number, l: number): number => {
    let slot = (h ^ l) & mask;
    while (slots[slot]! >= 0 && (high[slots[slot]!] !== h || low[slots[slot]!] !== l)) slot = (slot + 1) & mask;
    return slot;
  };
  for (let i = 0; i < high.length; ++i) {
    const slot = slotOf(high[i]!, low[i]!);
    if (slots[slot]! < 0) slots[slot] = i;
    if (++counts[slots[slot]!]! === 1) ++nDistinct;
  }
  return {
    nDistinct,
    mark(h, l) {
      const position = slots[slotOf(h, l)]!;
      if (position >= 0) marked[position] = 1;
    },
    countMarked: () => marked.reduce((sum, flag, i) => sum + flag * counts[i]!, 0),
  };
}
