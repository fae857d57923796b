import { rm } from "node:fs/promises";
import { storedNames } from "../stored-names.ts";
import { openSnapshot, type SnapshotFile } from "./snapshot-file.ts";
import { type SnapshotColumn, SnapshotWriter } from "./snapshot-writer.ts";

/**
 * Puts the rows of snapshots one after the other: the very file that one reading of all rows gives. False, and nothing
 * is written, where one of them is not of our own writer. `columns` by the contract's names.
 */
export async function concatenateSnapshots(
  paths: readonly string[],
  output: string,
  columns: readonly SnapshotColumn[],
): Promise<boolean> {
  for (const path of paths) {
    const file = await openSnapshot(path);
    await file?.close();
    if (file === null) return false;
  }
  const names = storedNames(columns.map(({ name }) => name));
  const stored = columns.map(({ kind }, i) => ({ name: names[i]!, kind }));
  const writer = await SnapshotWriter.open(output, stored);
  let isWhole = false;
  try {
    for (const path of paths) await append((await openSnapshot(path))!, stored, writer);
    await writer.finish();
    isWhole = true;
  } finally {
    await writer.close();
    if (!isWhole) await rm(output, { force: true });
  }
  return true;
}

async function append(file: SnapshotFile, columns: readonly SnapshotColumn[], writer: SnapshotWriter): Promise<void> {
  try {
    const wanted = columns.map(({ name, kind }) => ({ kind, position: file.names.indexOf(name) }));
    for (const [g, group] of file.groups.entries()) await writer.add(await file.read(g, wanted), group.nRows);
  } finally {
    await file.close();
  }
}
