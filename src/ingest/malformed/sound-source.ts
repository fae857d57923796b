import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMillraceError } from "../../core/errors/error.ts";
import type { Contract } from "../../frame/contract.ts";
import { DelimitedFault } from "../delimited-scan.ts";
import type { IngestReport, IngestRequest } from "../ingest.ts";
import { JsonLinesFault } from "../json-list.ts";
import { LineIndex } from "../line-index.ts";
import { type LocatedFile, type LocatedSource, unwritable } from "../locate.ts";
import type { Refusal } from "../parts/kept-parts.ts";
import type { FileKind } from "../source.ts";
import { malformedFile, type Origin, unreadableFile } from "../table.ts";
import { ShownTexts } from "./shown-texts.ts";
import { mostSetAside, tooMany } from "./sieve.ts";
import { siftDelimited, siftJsonLines } from "./sift-file.ts";

/** What reading gave, and what is to be said of it. */
interface Reported {
  readonly report: IngestReport;
}

/** What was set aside of some files, and where the lines of what is left stood in them. */
interface Sifted {
  nFiles: number;
  readonly refused: Refusal[];
  readonly texts: ShownTexts;
  readonly lines: Map<string, readonly number[]>;
}

/**
 * Reads a source; where that fails because a file of a source with `onMalformed: "quarantine"` holds records that are none of its
 * table, reads copies that hold the sound ones alone, and says what was set aside: `read` is called a second time.
 */
export async function readSound<Result extends Reported>(
  { contract, output, signal }: Pick<IngestRequest, "contract" | "output" | "signal">,
  located: LocatedSource,
  read: (located: LocatedSource) => Promise<Result>,
): Promise<Result> {
  try {
    return await read(located);
  } catch (error) {
    const cause = isMillraceError(error) ? error.cause : null;
    const isMalformed = cause instanceof DelimitedFault || cause instanceof JsonLinesFault;
    if (!isMalformed || !setsAside(located)) throw error;
  }
  const folder = await mkdtemp(join(dirname(output), "sound-")).catch((error: unknown) => {
    throw unwritable(output, error);
  });
  try {
    const sifted: Sifted = { nFiles: 0, refused: [], texts: new ShownTexts(), lines: new Map() };
    const result = await read(await siftSource(located, { contract, folder, signal, sifted }));
    return { ...result, report: withSetAside(result.report, sifted) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function setsAside({ source, parts }: LocatedSource): boolean {
  return source.onMalformed === "quarantine" || parts.some((part) => setsAside(part.located));
}

interface Sifting {
  readonly contract: Contract;
  /** Where copies are written. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
  readonly sifted: Sifted;
}

async function siftSource(located: LocatedSource, sifting: Sifting): Promise<LocatedSource> {
  const parts = [];
  for (const part of located.parts) parts.push({ ...part, located: await siftSource(part.located, sifting) });
  const files: LocatedFile[] = [];
  for (const file of located.files) {
    const isSieved = located.source.onMalformed === "quarantine";
    files.push(isSieved ? await siftFile(located, file, sifting) : file);
  }
  return { ...located, parts, files };
}

/** A copy of a file's sound records; the file itself where all are. */
async function siftFile({ source, format }: LocatedSource, file: LocatedFile, sifting: Sifting): Promise<LocatedFile> {
  const { folder, contract, signal, sifted } = sifting;
  const path = join(folder, `${sifted.nFiles++}.${format}`);
  const kind = format as FileKind;
  const how = { texts: sifted.texts, signal };
  const { setAside, nRows, nBytes, lines, names } = await (
    kind === "jsonl" ? siftJsonLines(file.path, path, how) : siftDelimited(file.path, source, path, how)
  ).catch((error: unknown) => {
    const isFault = error instanceof DelimitedFault || error instanceof JsonLinesFault;
    throw isFault ? malformedFile(source, file, kind, error) : error;
  });
  const [first] = setAside;
  if (first === undefined) return file;
  if (nRows <= 0) {
    const reason = `none of its records is sound; line ${first.line} ${first.reason}`;
    throw unreadableFile(file, kind, reason);
  }
  const beyond = setAside[mostSetAside - sifted.refused.length];
  if (beyond !== undefined) throw unreadableFile(file, kind, `line ${beyond.line} ${tooMany(beyond)}`);
  // A column that is hidden may be in a malformed record where no sound one has it.
  const hides = contract.columns.some(({ privacy }) => privacy !== undefined);
  const showsText = !hides && names.every((name) => contract.columns.some((column) => column.name === name));
  for (const { line, reason, text } of setAside)
    sifted.refused.push({ file: file.name, line, reason, text: showsText ? text : null });
  sifted.lines.set(file.name, lines);
  return { ...file, path, sizeBytes: nBytes };
}

function withSetAside(report: IngestReport, { refused, lines }: Sifted): IngestReport {
  if (refused.length === 0) return report;
  const origins = report.origins.map((origin) => {
    const ofFile = lines.get(origin.file);
    return ofFile ? { ...origin, lines: throughCopy(origin, ofFile) } : origin;
  });
  return { ...report, origins, refused, nRefused: refused.length };
}

/** The lines of rows in a file, from those in its copy and where the copy's lines stand in the file. */
function throughCopy({ nRows, lines }: Origin, ofCopy: readonly number[]): readonly number[] {
  // The index of the copy was full.
  if (ofCopy.length === 0) return [];
  const index = new LineIndex();
  let next = 0;
  for (let i = 0; i < lines.length; i += 2) {
    const [row, line] = [lines[i]!, lines[i + 1]!];
    const end = line + (lines[i + 2] ?? nRows) - row;
    while (next + 2 < ofCopy.length && ofCopy[next + 2]! <= line) next += 2;
    index.add(row, ofCopy[next + 1]! + line - ofCopy[next]!);
    for (; next + 2 < ofCopy.length && ofCopy[next + 2]! < end; next += 2)
      index.add(row + ofCopy[next + 2]! - line, ofCopy[next + 3]!);
  }
  return index.pairs;
}
