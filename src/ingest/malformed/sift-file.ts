import { type FileHandle, open } from "node:fs/promises";
import { readBytes } from "../byte-stream.ts";
import { splitRecord } from "../delimited-scan.ts";
import { parseLine, splitLines } from "../json-lines.ts";
import { JsonLinesFault } from "../json-list.ts";
import { LineIndex } from "../line-index.ts";
import type { SourceDescription } from "../source.ts";
import type { ShownTexts } from "./shown-texts.ts";
import { mostSetAside, type SetAside, Sieve, tooMany } from "./sieve.ts";

/** What became of a file whose records are not all sound. */
export interface SiftedFile {
  readonly setAside: readonly SetAside[];
  /** Sound records that are rows. */
  readonly nRows: number;
  readonly nBytes: number;
  /** Pairs of (line of the copy, line of the file). */
  readonly lines: readonly number[];
  /** Columns, or members, the file has. */
  readonly names: readonly string[];
}

export interface SiftOptions {
  readonly texts: ShownTexts;
  readonly signal: AbortSignal | undefined;
}

/** Copies the sound records of a delimited file. Throws DelimitedFault where its header is in fault. */
export async function siftDelimited(
  path: string,
  source: SourceDescription,
  output: string,
  { texts, signal }: SiftOptions,
): Promise<SiftedFile> {
  const { delimiter = ",", quotes = true, header = true, columns } = source;
  // A header says how many cells there are.
  const sieve = new Sieve({ delimiter, quotes, nCells: header ? null : columns!.length, texts });
  const nBytes = await writing(output, async (copy) => {
    for await (const chunk of readBytes(path, signal)) {
      sieve.add(chunk);
      await copy(sieve.take());
    }
    sieve.finish();
    await copy(sieve.take());
  });
  const { setAside, nSound, lines } = sieve;
  const names = columns ?? splitRecord(sieve.first, delimiter, quotes);
  return { setAside, nRows: nSound - (header ? 1 : 0), nBytes, lines, names };
}

const lineEnd = Buffer.from("\n");

/** Copies the sound lines of a file of JSON lines. */
export async function siftJsonLines(path: string, output: string, { texts, signal }: SiftOptions): Promise<SiftedFile> {
  const setAside: SetAside[] = [];
  const names = new Set<string>();
  const index = new LineIndex();
  let [line, nRows] = [0, 0];
  const nBytes = await writing(output, async (copy) => {
    for await (const bytes of splitLines(readBytes(path, signal))) {
      ++line;
      try {
        const row = parseLine(bytes, line, "line");
        if (row === undefined) continue;
        for (const name of Object.keys(row)) names.add(name);
      } catch (error) {
        if (!(error instanceof JsonLinesFault)) throw error;
        const reason = error.message.replace(/^line \d+ /, "");
        if (setAside.length === mostSetAside) throw new JsonLinesFault(`line ${line} ${tooMany({ reason })}`);
        setAside.push({ line, reason, text: texts.of(bytes, 0, bytes.length) });
        continue;
      }
      index.add(++nRows, line);
      await copy([bytes, lineEnd]);
    }
  });
  return { setAside, nRows, nBytes, lines: index.pairs, names: [...names] };
}

const flushBytes = 1 << 20;

/** Opens a file for `write`, which is given what writes; how many bytes were written. */
async function writing(
  path: string,
  write: (copy: (bytes: readonly Buffer[]) => Promise<void>) => Promise<void>,
): Promise<number> {
  const file: FileHandle = await open(path, "w");
  let nBytes = 0;
  let pending: Buffer[] = [];
  let nPending = 0;
  const flush = async (): Promise<void> => {
    if (nPending > 0) await file.writeFile(Buffer.concat(pending));
    nBytes += nPending;
    [pending, nPending] = [[], 0];
  };
  try {
    await write(async (bytes) => {
      for (const part of bytes) {
        pending.push(part);
        nPending += part.length;
      }
      if (nPending >= flushBytes) await flush();
    });
    await flush();
  } finally {
    await file.close();
  }
  return nBytes;
}
