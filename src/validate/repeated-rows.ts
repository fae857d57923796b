import { mix32 } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { stretch } from "../math/stretch.ts";

/**
 * How many of the test rows have an equal row among the train rows. Rows are compared by a hash of 64 bits, computed
 * column by column; two different rows share one with a probability of about 10^-10 at 3,000,000 x 50,000 rows.
 */
export function repeatedTestRows(columns: readonly ColumnData[], train: Uint32Array, test: Uint32Array): number {
  const [ofTest, ofTrain] = [noHashes(test.length), noHashes(train.length)];
  for (const column of columns) {
    addColumn(column, test, ofTest.high, ofTest.low);
    addColumn(column, train, ofTrain.high, ofTrain.low);
  }
  const table = createTable(ofTest);
  for (let i = 0; i < train.length; ++i) table.mark(ofTrain.high[i]!, ofTrain.low[i]!);
  return table.countMarked();
}

/** How many rows are equal to an earlier row in every column. */
export function countRepeatedRows(columns: readonly ColumnData[], nRows: number): number {
  const suspects = suspectsAmongAll(columns, nRows);
  return suspects.rows.length - createTable(suspects).nDistinct;
}

/** Some of `rows` in their order, all that are equal to another in every column among them. */
export interface LikelyRepeats {
  readonly rows: Uint32Array;
  /** Equal for equal rows and mostly different for others: 53 bits of their hash. */
  readonly keys: Float64Array;
}

/** Leaves out of some of the rows those that are certainly equal to no other of all `nRows`. */
export function likelyRepeats(columns: readonly ColumnData[], nRows: number, among: Uint32Array): LikelyRepeats {
  const { rows: suspects, high, low } = suspectsAmongAll(columns, nRows);
  const places = new Uint32Array(nRows);
  for (let i = 0; i < suspects.length; ++i) places[suspects[i]!] = i + 1;
  const rows = among.filter((row) => places[row]! > 0);
  const keys = Float64Array.from(rows, (row) => high[places[row]! - 1]! * 2097152 + (low[places[row]! - 1]! >>> 11));
  return { rows, keys };
}

/** Who profiles a frame and who cleans it ask the same of its columns. */
const known = new WeakMap<readonly ColumnData[], Suspects>();

function suspectsAmongAll(columns: readonly ColumnData[], nRows: number): Suspects {
  let suspects = known.get(columns);
  if (suspects === undefined) {
    suspects = suspectsOf(columns, nRows);
    known.set(columns, suspects);
  }
  return suspects;
}

interface Suspects extends RowHashes {
  readonly rows: Uint32Array;
}

/** So many columns are hashed before rows without a twin are left out: mostly all of them after the first few. */
const columnsAtOnce = 3;

function everyRow(nRows: number): Uint32Array {
  const rows = new Uint32Array(nRows);
  for (let row = 0; row < nRows; ++row) rows[row] = row;
  return rows;
}

/** Rows that may be equal to another, with the hash of all columns. */
function suspectsOf(columns: readonly ColumnData[], nRows: number): Suspects {
  const facts = columns.map((column, index) => ({ index, variety: varietyOf(column), isText: column.kind === "text" }));
  const telling = facts.sort((a, b) => b.variety - a.variety);
  // Texts make no difference at first: they cost more than they tell.
  const quick = telling.filter(({ isText }) => !isText).slice(0, columnsAtOnce);
  const likely =
    quick.length === 0
      ? everyRow(nRows)
      : withoutLonely(
          quick.map(({ index }) => columns[index]!),
          nRows,
        );
  let suspects: Suspects = { rows: likely, ...noHashes(likely.length) };
  for (let i = 0; i < telling.length && suspects.rows.length > 0; i += columnsAtOnce) {
    for (const { index } of telling.slice(i, i + columnsAtOnce))
      addColumn(columns[index]!, suspects.rows, suspects.high, suspects.low);
    suspects = withoutUnique(suspects);
  }
  return suspects;
}

function varietyOf(column: ColumnData): number {
  return column.kind === "category" ? column.levels.length : column.kind === "boolean" ? 2 : Number.MAX_SAFE_INTEGER;
}

/** Rows that a quick hash of some columns does not tell from all others. */
function withoutLonely(columns: readonly ColumnData[], nRows: number): Uint32Array {
  const hashes = new Uint32Array(nRows);
  for (const column of columns) {
    for (let from = 0; from < nRows; from += stretch) mixColumn(column, from, hashes.subarray(from, from + stretch));
  }
  return sharedBits(hashes);
}

/** Mixes what a column holds from row `from` on into the hashes. */
function mixColumn(column: ColumnData, from: number, hashes: Uint32Array): void {
  switch (column.kind) {
    case "number":
    case "timestamp":
      mixNumbers(column.values.subarray(from, from + hashes.length), hashes);
      return;
    case "boolean":
    case "category": {
      const codes = column.kind === "boolean" ? column.values : column.codes;
      mixCodes(codes.subarray(from, from + hashes.length), hashes);
    }
  }
}

function mixNumbers(values: Float64Array, hashes: Uint32Array): void {
  const halves = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let i = 0, n = hashes.length; i < n; ++i) {
    const low = halves[2 * i]!;
    const high = halves[2 * i + 1]!;
    // -0 is 0.
    const hash = Math.imul(hashes[i]! ^ low, 0x85ebca6b) ^ (high === 0x80000000 && low === 0 ? 0 : high);
    hashes[i] = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  }
}

function mixCodes(codes: Uint8Array | Int32Array, hashes: Uint32Array): void {
  for (let i = 0, n = hashes.length; i < n; ++i) {
    const hash = Math.imul(hashes[i]! ^ codes[i]!, 0x85ebca6b);
    hashes[i] = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  }
}

function withoutUnique({ rows, high, low }: Suspects): Suspects {
  const positions = sharedBits(low);
  const kept = (values: Uint32Array): Uint32Array => positions.map((position) => values[position]!);
  return { rows: kept(rows), high: kept(high), low: kept(low) };
}

/** Where those hashes stand that fall on a bit on which another falls, too: of different ones about one in sixteen. */
function sharedBits(hashes: Uint32Array): Uint32Array {
  const n = hashes.length;
  const nBits = 2 ** Math.min(30, Math.ceil(Math.log2(Math.max(64, 16 * n))));
  // Taken from the top, which all bits of what was hashed reach.
  const shift = 32 - Math.log2(nBits);
  // Which bits were met once, and which again, side by side in memory.
  const seen = new Uint32Array(nBits / 16);
  for (let from = 0; from < n; from += stretch) markBits(hashes.subarray(from, from + stretch), shift, seen);
  const kept = new Uint32Array(n + 1);
  let count = 0;
  for (let from = 0; from < n; from += stretch)
    count = keepShared(hashes.subarray(from, from + stretch), shift, seen, kept, count, from);
  return kept.slice(0, count);
}

function markBits(hashes: Uint32Array, shift: number, seen: Uint32Array): void {
  for (let i = 0, n = hashes.length; i < n; ++i) {
    const bit = hashes[i]! >>> shift;
    const at = (bit >>> 5) << 1;
    const flag = 1 << (bit & 31);
    const once = seen[at]!;
    seen[at + 1]! |= once & flag;
    seen[at] = once | flag;
  }
}

/** Appends to the first `count` of `kept` the places, counted from `from`, of hashes that were met again; how many there are then. */
function keepShared(
  hashes: Uint32Array,
  shift: number,
  seen: Uint32Array,
  kept: Uint32Array,
  count: number,
  from: number,
): number {
  let end = count;
  for (let i = 0, n = hashes.length; i < n; ++i) {
    const bit = hashes[i]! >>> shift;
    kept[end] = from + i;
    end += (seen[((bit >>> 5) << 1) + 1]! >>> (bit & 31)) & 1;
  }
  return end;
}

interface RowHashes {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** Of rows of no column. */
function noHashes(nRows: number): RowHashes {
  return { high: new Uint32Array(nRows).fill(0x9e3779b9), low: new Uint32Array(nRows).fill(0x85ebca6b) };
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
        const length = text?.length ?? 0;
        // Two sums of the characters, or texts that meet in one would be equal in both words.
        let hash = text === null ? 1 : 0x811c9dc5;
        let other = text === null ? 2 : 0x9747b28c;
        for (let k = 0; k < length; ++k) {
          const unit = text!.charCodeAt(k);
          hash = Math.imul(hash ^ unit, 0x01000193);
          other = Math.imul((other ^ unit) + 0x7f4a7c15, 0x5bd1e995);
          other ^= other >>> 15;
        }
        high[i] = mix32(high[i]! ^ hash) + length;
        low[i] = mix32(low[i]! + other + 1);
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
