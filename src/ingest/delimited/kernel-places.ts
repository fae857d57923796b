/** What is made of a column's cells: values of a kind, codes of levels, or spans, where contents begin and end. */
export type CellForm = "number" | "timestamp" | "boolean" | "level" | "span";

/** Bytes that are looked at at once when cells are sought, and so many at most beyond the last. */
export const chunkBytes = 64;

/** What the kernel that looks through a block says beside how many line feeds there are, which stands in the bits above. */
export const lookFlags = { hasNul: 1, isBeyondAscii: 2, nBits: 2 } as const;

/**
 * Where things stand in the kernel's memory, by byte: the bytes that mean something, powers of ten and those times -1, and what the kernels must
 * know of each cell of a record.
 */
export const kernelPlaces = { powers: 0, entries: 256 } as const;

/**
 * What a kernel must know of a cell of every record: where the ends of its first one stand, how much of the line end stands
 * before such an end, where its values go and, of spans, their ends; values left to others; the table of its levels.
 */
export const cellEntry = {
  ends: 0,
  lineEnd: 4,
  values: 8,
  valueEnds: 12,
  left: 16,
  leftEnd: 20,
  slots: 24,
  mask: 28,
  levels: 32,
  nLevels: 36,
  bytes: 40,
} as const;

/** A level in the table: a hash of its bytes, and where they begin and end. */
export const levelEntry = { hash: 0, start: 8, end: 12, bytes: 16 } as const;

/** How the records of a file are written. */
export interface Writing {
  readonly delimiter: string;
  readonly quotes: boolean;
  readonly nCells: number;
}
