import { createHash } from "node:crypto";
import { open, readFile, writeFile } from "node:fs/promises";
import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";

/** A column of a file of cells. */
export interface CellColumn {
  readonly name: string;
  /** DECIMAL: decimal numbers of any length, which are not to be rounded; VARCHAR: any text. */
  readonly type: "VARCHAR" | "DECIMAL";
  /** Why its values cannot be read; then all its cells are empty and whoever asks for it is refused. */
  readonly refused?: string;
}

export type Cell = string | null;

/** Rows with their columns known before the first of them. */
export interface CellRows {
  readonly columns: readonly CellColumn[];
  readonly batches: AsyncIterable<readonly (readonly Cell[])[]>;
}

/** What stands beside a file of cells. */
export interface CellsNotes {
  readonly columns: readonly CellColumn[];
  readonly nRows: number;
  readonly longestRecordBytes: number;
}

const flushChars = 1 << 20;

/**
 * Writes rows as a delimited file whose header holds the columns, every cell quoted, null as an empty one, and beside it
 * what a reader must know of it. Memory is bounded by the batches.
 *
 * Throws CANCELLED when the signal aborts.
 */
export async function writeCells(
  path: string,
  subject: string,
  { columns, batches }: CellRows,
  signal?: AbortSignal,
): Promise<CellsNotes & { readonly digest: Digest }> {
  const file = await open(path, "w");
  const hash = createHash("sha256");
  let nRows = 0;
  let pending = recordOf(columns.map((column) => JSON.stringify(column)));
  let longest = pending.length;
  const flush = async (): Promise<void> => {
    hash.update(pending);
    await file.write(pending);
    pending = "";
  };
  try {
    for await (const batch of batches) {
      if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading ${subject}` });
      for (const row of batch) {
        const record = recordOf(row);
        longest = Math.max(longest, record.length);
        pending += record;
        if (pending.length >= flushChars) await flush();
      }
      nRows += batch.length;
    }
    await flush();
    await file.sync();
  } finally {
    await file.close();
  }
  const notes = { columns, nRows, longestRecordBytes: 3 * longest };
  await writeFile(`${path}.json`, JSON.stringify(notes));
  return { ...notes, digest: `sha256:${hash.digest("hex")}` };
}

/** One row as a line of the file. */
export function recordOf(cells: readonly Cell[]): string {
  let record = "";
  for (let i = 0; i < cells.length; ++i) {
    const cell = cells[i]!;
    record += i === 0 ? '"' : ',"';
    if (cell !== null) record += cell.includes('"') ? cell.replaceAll('"', '""') : cell;
    record += '"';
  }
  return `${record}\n`;
}

/** What {@link writeCells} noted beside the file. */
export async function readNotes(path: string): Promise<CellsNotes> {
  return JSON.parse(await readFile(`${path}.json`, "utf8")) as CellsNotes;
}
