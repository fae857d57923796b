import { rm } from "node:fs/promises";
import type { ColumnData } from "../../frame/column.ts";
import type { Frame } from "../../frame/frame.ts";
import type { BlockColumn } from "../delimited/block.ts";
import { storedNames } from "../stored-names.ts";
import { type SnapshotColumn, SnapshotWriter } from "./snapshot-writer.ts";

/**
 * Writes the frames that `produce` gives, each with these columns, one after the other to a snapshot at `path`. Nothing is
 * left of it where it throws.
 */
export async function writeSnapshot(
  path: string,
  columns: readonly SnapshotColumn[],
  produce: (write: (frame: Frame) => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const names = storedNames(columns.map(({ name }) => name));
  const writer = await SnapshotWriter.open(
    path,
    columns.map(({ kind }, i) => ({ name: names[i]!, kind })),
  );
  let isWhole = false;
  try {
    await produce((frame) => writer.add(frame.columns.map(blockColumn), frame.nRows));
    await writer.finish();
    isWhole = true;
  } finally {
    if (!isWhole) {
      await writer.close();
      await rm(path, { force: true });
    }
  }
}

function blockColumn(column: ColumnData): BlockColumn {
  return column.kind === "text" ? textBlock(column.values) : (column as BlockColumn);
}

/** Texts as a writer takes them: a missing one is an empty one. */
export function textBlock(values: readonly (string | null)[]): BlockColumn {
  const ends = new Int32Array(values.length);
  const parts = values.map((value) => Buffer.from(value ?? "", "utf8"));
  let end = 0;
  for (const [row, part] of parts.entries()) ends[row] = end += part.length;
  const bytes = new Uint8Array(end);
  for (const [row, part] of parts.entries()) bytes.set(part, ends[row]! - part.length);
  return { kind: "text", ends, bytes };
}
