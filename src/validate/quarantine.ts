import { type FileHandle, open, readFile } from "node:fs/promises";
import type { Issue } from "../frame/contract.ts";
import type { Frame } from "../frame/frame.ts";
import { rowsFromFrame } from "../frame/rows.ts";

/** Why a row was set aside. */
export type Reason = Pick<Issue, "code" | "column" | "expected" | "actual">;

/** Where a row of a snapshot comes from. */
export interface Provenance {
  /** null where rows are computed. */
  readonly file: string | null;
  /** Counted from 1; null where the file has no lines. */
  readonly line: number | null;
}

/** Rows of one rule among those set aside. */
export interface ReasonCount {
  readonly column: string;
  readonly code: string;
  readonly rows: number;
}

/** How often each rule set a row aside, the commonest first. A row may break several. */
export function countReasons(reasons: ReadonlyMap<number, readonly Reason[]>): readonly ReasonCount[] {
  const counts = new Map<string, ReasonCount>();
  for (const given of reasons.values()) {
    for (const key of new Set(given.map(({ column, code }) => `${code} ${column}`))) {
      const [code] = key.split(" ", 1);
      const column = key.slice(code!.length + 1);
      counts.set(key, { column, code: code!, rows: (counts.get(key)?.rows ?? 0) + 1 });
    }
  }
  return [...counts.values()].sort((a, b) => b.rows - a.rows || (a.column < b.column ? -1 : 1));
}

const blockRows = 1024;

/** What was no row at all, such as a message that is no JSON or a line with too few cells. */
export interface Unreadable extends Provenance {
  readonly reason: string;
  readonly text: string | null;
}

/**
 * Writes the rows set aside as JSON lines: row counted from 0, file, line, reasons, and the values as they were read; after
 * them, with null for the row, what was none.
 */
export async function writeQuarantine(
  path: string,
  frame: Frame,
  rows: readonly number[],
  reasons: ReadonlyMap<number, readonly Reason[]>,
  provenanceOf: (row: number) => Provenance,
  unreadable: readonly Unreadable[] = [],
): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let start = 0; start < rows.length; start += blockRows) {
      const block = rows.slice(start, start + blockRows);
      const values = rowsFromFrame(frame, Uint32Array.from(block));
      const lines = block.map((row, i) => {
        const { file: name, line } = provenanceOf(row);
        return JSON.stringify({ row, file: name, line, reasons: reasons.get(row) ?? [], values: values[i] });
      });
      await file.writeFile(`${lines.join("\n")}\n`);
    }
    await writeBlocks(file, unreadable);
  } finally {
    await file.close();
  }
}

function unreadableLine({ file, line, reason, text }: Unreadable): string {
  const reasons: readonly Reason[] = [{ code: "kind", column: "", expected: "a row", actual: reason }];
  return `${JSON.stringify({ row: null, file, line, reasons, values: { text } })}\n`;
}

/** Writes what was no row as {@link writeQuarantine} does. */
export async function writeUnreadable(path: string, unreadable: readonly Unreadable[]): Promise<void> {
  const file = await open(path, "w");
  try {
    await writeBlocks(file, unreadable);
  } finally {
    await file.close();
  }
}

async function writeBlocks(file: FileHandle, unreadable: readonly Unreadable[]): Promise<void> {
  for (let start = 0; start < unreadable.length; start += blockRows) {
    const lines = unreadable.slice(start, start + blockRows).map(unreadableLine);
    await file.writeFile(lines.join(""));
  }
}

/** Reads what {@link writeUnreadable} wrote. */
export async function readUnreadable(path: string): Promise<readonly Unreadable[]> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((written) => {
    const { file, line, reasons, values } = JSON.parse(written) as Provenance & {
      readonly reasons: readonly [Reason];
      readonly values: Pick<Unreadable, "text">;
    };
    return { file, line, reason: reasons[0].actual, text: values.text };
  });
}
