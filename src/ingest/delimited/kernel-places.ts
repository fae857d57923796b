/**
 * Where things stand in the kernel's memory, by byte: the bytes that mean something, powers of ten, and what the kernels must
 * know of each cell of a record.
 */
export const kernelPlaces = { powers: 0, entries: 128 } as const;

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

export const quote = 0x22;
export const newline = 0x0a;
export const carriageReturn = 0x0d;
