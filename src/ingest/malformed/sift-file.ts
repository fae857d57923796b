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

/** Copies the sound records of a delimited file where not all are. Throws DelimitedFault where its header is in fault. */
export async function siftDelimited(
  path: string,
  source: SourceDescription,
  output: string,
  { texts, signal }: SiftOptions,
): Promise<SiftedFile> {
  const { delimiter = ",", quotes = true, header = true, columns } = source;
  // A header says how many cells there are.
  const sieve = new Sieve({ delimiter, quotes, nCells: header ? null : columns!.length, texts });
  const nBytes = await writing({ path, output, setAside: sieve.setAside, signal }, async (copy) => {
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
/** What stands where the name of a member does, in a line that is no JSON. */
const likelyName = /"([^"]*)"\s*:/g;

/** Copies the sound lines of a file of JSON lines where not all are. */
export async function siftJsonLines(path: string, output: string, { texts, signal }: SiftOptions): Promise<SiftedFile> {
  const setAside: SetAside[] = [];
  const names = new Set<string>();
  const index = new LineIndex();
  let [line, nCopied, nRows] = [0, 0, 0];
  const nBytes = await writing({ path, output, setAside, signal }, async (copy) => {
    for await (const bytes of splitLines(readBytes(path, signal))) {
      ++line;
      try {
        const row = parseLine(bytes, line, "line");
        if (row !== undefined) ++nRows;
        for (const name of Object.keys(row ?? {})) names.add(name);
      } catch (error) {
        if (!(error instanceof JsonLinesFault)) throw error;
        const reason = error.message.replace(/^line \d+ /, "");
        if (setAside.length === mostSetAside) throw new JsonLinesFault(`line ${line} ${tooMany({ reason })}`);
        const text = texts.of(bytes, 0, bytes.length);
        setAside.push({ line, reason, text });
        for (const [, name] of text.matchAll(likelyName)) names.add(name!);
        continue;
      }
      index.add(++nCopied, line);
      await copy([bytes, lineEnd]);
    }
  });
  return { setAside, nRows, nBytes, lines: index.pairs, names: [...names] };
}

const flushBytes = 1 << 20;

interface Copying {
  readonly path: string;
  readonly output: string;
  /** Of the file, so far. */
  readonly setAside: readonly SetAside[];
  readonly signal: AbortSignal | undefined;
}

/**
 * Gives `write` what copies to `output`; how many bytes were copied. The copy is begun with the first record that is set aside:
 * what was sound before is the beginning of the file.
 */
async function writing(
  { path, output, setAside, signal }: Copying,
  write: (copy: (bytes: readonly Buffer[]) => Promise<void>) => Promise<void>,
): Promise<number> {
  let file: FileHandle | null = null;
  let nBytes = 0;
  let pending: Buffer[] = [];
  let nPending = 0;
  const flush = async (): Promise<void> => {
    if (file === null && setAside.length > 0) {
      file = await open(output, "w");
      await copyStart(path, nBytes, file, signal);
    }
    await file?.writeFile(Buffer.concat(pending));
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
    await (file as FileHandle | null)?.close();
  }
  return nBytes;
}

async function copyStart(path: string, length: number, to: FileHandle, signal: AbortSignal | undefined): Promise<void> {
  let left = length;
  if (left === 0) return;
  for await (const chunk of readBytes(path, signal)) {
    await to.writeFile(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) return;
  }
}
