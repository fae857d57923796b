import { setImmediate } from "node:timers/promises";
import { MillraceError } from "../../core/errors/error.ts";
import type { Progress } from "../../core/progress.ts";
import type { Kind } from "../../frame/column.ts";
import { checkColumnNames } from "../../frame/column-name.ts";
import type { Contract } from "../../frame/contract.ts";
import { createFrame } from "../../frame/frame.ts";
import type { Hold, IngestReport } from "../ingest.ts";
import { LineIndex } from "../line-index.ts";
import type { LocatedFile, LocatedSource } from "../locate.ts";
import { type SnapshotColumn, SnapshotWriter } from "../snapshot/snapshot-writer.ts";
import { bytesOfValue } from "../snapshot/snapshot-reader.ts";
import { storedNames } from "../stored-names.ts";
import { isPlainlyRead, type TextCleaning } from "../text-cleaning.ts";
import type { Block, BlockPlan } from "./block.ts";
import { type BlockCrew, openCrew } from "./block-crew.ts";
import { CellLog } from "./cell-log.ts";
import { readBlocks, withLineEnd } from "./file-blocks.ts";
import { type FileHead, headOf } from "./file-head.ts";
import { HeldColumns } from "./held-columns.ts";

export interface DelimitedRequest {
  readonly located: LocatedSource;
  readonly contract: Contract;
  readonly texts: readonly TextCleaning[];
  readonly output: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
  readonly hold: Hold | undefined;
}

/** What became of a source that was read in one pass. */
export interface DelimitedResult {
  readonly report: IngestReport;
  readonly names: readonly string[];
}

const delimiters: ReadonlySet<string> = new Set([",", ";", "|", "\t"]);
/** From this size on threads pay, packed or not. */
const largeBytes = 2_000_000;

/**
 * Reads delimited files into a snapshot in one pass, where all of them are plainly tables of the columns wanted: blocks
 * are parsed in threads and written in their order, a few in memory at a time. null where anything is out of the
 * ordinary, which the one who asked reads, or refuses with its line, in the slow way; whether it is depends on the
 * bytes alone, and never on threads.
 */
export async function ingestDelimited(request: DelimitedRequest): Promise<DelimitedResult | null> {
  const { located, contract, texts } = request;
  const { source, format, files } = located;
  const delimiter = source.delimiter ?? ",";
  const isPlain =
    (format === "csv" || format === "tsv") &&
    delimiters.has(delimiter) &&
    files.every(({ partition }) => partition.length === 0) &&
    texts.every(isPlainlyRead) &&
    contract.columns.every(({ privacy }) => privacy === undefined);
  if (!isPlain) return null;
  const writer = await SnapshotWriter.open(request.output, storedColumns(contract));
  const reading = new Reading(request, writer);
  try {
    for (const file of files) if (!(await reading.read(file))) return null;
    if (!(await reading.finish())) return null;
    await writer.finish();
    reading.handOver();
    return { report: reading.report(), names: reading.names };
  } finally {
    await reading.close();
    await writer.close();
  }
}

function storedColumns(contract: Contract): SnapshotColumn[] {
  const names = storedNames(contract.columns.map(({ name }) => name));
  return contract.columns.map(({ kind }, i) => ({ name: names[i]!, kind }));
}

interface OpenedHead {
  readonly head: FileHead;
  readonly names: readonly string[];
}

/** How a file begins, from its first block; null where the slow way has to say what is wrong with it. */
function openHead({ source }: LocatedSource, block: Buffer): OpenedHead | null {
  const head = headOf(withLineEnd(block, "\n"), source.delimiter ?? ",", source.quotes ?? true);
  if (head === null) return null;
  const names = source.columns ?? head.first;
  if (names.length !== head.first.length) return null;
  try {
    checkColumnNames(names);
  } catch (error) {
    if (error instanceof MillraceError && error.code.startsWith("COLUMN_NAME")) return null;
    throw error;
  }
  return { head, names };
}

/** How far a file has been read. */
interface Place {
  readonly file: LocatedFile;
  readonly lineEnd: string;
  row: number;
  line: number;
  readonly lines: LineIndex;
}

/** The files of one source, read one after the other into one snapshot: blocks are parsed ahead, and taken in their order. */
class Reading {
  readonly #request: DelimitedRequest;
  readonly #writer: SnapshotWriter;
  readonly #crew: BlockCrew;
  readonly #cells: CellLog;
  readonly #places: Place[] = [];
  readonly #underWay: { readonly block: Promise<Block | null>; readonly place: Place; readonly nBytes: number }[] = [];
  readonly #held: HeldColumns | null;
  readonly #nBytes: number;
  #plan: BlockPlan | null = null;
  #nRows = 0;
  /** Of the first file; the others have the same, in any order. */
  names: readonly string[] = [];

  constructor(request: DelimitedRequest, writer: SnapshotWriter) {
    this.#request = request;
    this.#writer = writer;
    this.#nBytes = request.located.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#crew = openCrew(this.#nBytes >= largeBytes);
    this.#cells = new CellLog(request.contract);
    const kinds = request.contract.columns.map(({ kind }) => kind);
    this.#held = request.hold ? new HeldColumns(kinds, rowsWithin(request.hold.heldBytes, kinds)) : null;
  }

  /** False where a file is out of the ordinary, this one or one before. */
  async read(file: LocatedFile): Promise<boolean> {
    const { located, progress, signal } = this.#request;
    let place: Place | null = null;
    let nBytes = 0;
    const { memoryOf } = this.#crew;
    for await (const block of readBlocks(file.path, located.source.quotes ?? true, signal, memoryOf)) {
      if (block === null) return false;
      nBytes += block.length;
      let start = 0;
      if (place === null) {
        const head = this.#openFile(block);
        if (head === null) return false;
        const hasHeader = located.source.header ?? true;
        start = hasHeader ? head.end : head.start;
        const line = 1 + (hasHeader ? head.lines : head.linesBefore);
        place = { file, lineEnd: head.lineEnd, row: 0, line, lines: new LineIndex() };
        this.#places.push(place);
      }
      const rest = withLineEnd(block.subarray(start), place.lineEnd);
      // Parsing takes the bytes away.
      const { length } = rest;
      if (length > 0) this.#underWay.push({ block: this.#crew.parse(this.#plan!, rest), place, nBytes: length });
      if (!(await this.#takeAllBut(this.#crew.size - 1))) return false;
      progress.report(Math.min(nBytes, file.sizeBytes), file.sizeBytes, "bytes");
    }
    return place !== null;
  }

  /** False where a block is out of the ordinary, or there are no rows. */
  async finish(): Promise<boolean> {
    return (await this.#takeAllBut(0)) && this.#nRows > 0;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay.map(({ block }) => block));
    await this.#crew.close();
  }

  report(): IngestReport {
    const types = this.#request.contract.columns.map(({ name }) => ({ column: name, type: "text" }));
    const origins = this.#places.map(({ file, row, lines }) => ({ file: file.name, nRows: row, lines: lines.pairs }));
    return { nRows: this.#nRows, origins, types, cleaned: [], ...this.#cells.found() };
  }

  /** Gives the dataset to who wants it, where it is held. */
  handOver(): void {
    const columns = this.#held?.finish();
    if (!columns) return;
    const { contract, hold } = this.#request;
    const names = contract.columns.map(({ name }) => name);
    hold!.frame = createFrame(
      this.#nRows,
      names.map((name, i) => [name, columns[i]!] as const),
    );
  }

  /** Plans for the file that begins with the block; null where the file is out of the ordinary. */
  #openFile(block: Buffer): FileHead | null {
    const opened = openHead(this.#request.located, block);
    if (opened === null) return null;
    if (this.names.length === 0) this.names = opened.names;
    const plan = this.#planOf(opened.names);
    if (plan === null) return null;
    this.#plan = plan;
    return opened.head;
  }

  /** null where the file has not the columns of the first one, or lacks one of the contract's, or two are one. */
  #planOf(names: readonly string[]): BlockPlan | null {
    const { located, contract, texts } = this.#request;
    const { source } = located;
    if (names.length !== this.names.length || names.some((name) => !this.names.includes(name))) return null;
    const columns = contract.columns.map(({ name, kind }) => ({
      kind,
      cell: names.indexOf(name),
      missing: [...(source.missing ?? []), ...(texts.find(({ column }) => column === name)?.missing ?? [])],
    }));
    const cells = new Set(columns.map(({ cell }) => cell));
    if (cells.has(-1) || cells.size < columns.length) return null;
    return { delimiter: source.delimiter ?? ",", quotes: source.quotes ?? true, nCells: names.length, columns };
  }

  /** Takes the oldest blocks until `most` are under way; false once one is out of the ordinary. */
  async #takeAllBut(most: number): Promise<boolean> {
    while (this.#underWay.length > most) {
      const { block, place, nBytes } = this.#underWay.shift()!;
      const parsed = await this.#help(block);
      if (parsed === null || parsed.lineEnd !== place.lineEnd) return false;
      this.#held?.add(parsed.columns, parsed.nRows, (parsed.nRows * this.#nBytes) / nBytes);
      await this.#take(parsed, place);
    }
    return true;
  }

  /** What becomes of a block; as long as it is not known, others are read here, and what threads answer is heard in between. */
  async #help(block: Promise<Block | null>): Promise<Block | null> {
    let isKnown = false;
    const know = (): void => {
      isKnown = true;
    };
    block.then(know, know);
    for (;;) {
      await setImmediate();
      if (isKnown || !this.#crew.help()) return block;
    }
  }

  async #take(block: Block, place: Place): Promise<void> {
    for (let i = 0; i < block.lines.length; i += 2) {
      place.lines.add(place.row + block.lines[i]!, place.line + block.lines[i + 1]!);
    }
    this.#cells.add(block, this.#nRows);
    await this.#writer.add(block.columns, block.nRows);
    this.#crew.release(block);
    place.row += block.nRows;
    place.line += block.nLines;
    this.#nRows += block.nRows;
  }
}

/** How many rows of these columns take so much memory. */
function rowsWithin(bytes: number, kinds: readonly Kind[]): number {
  return bytes / kinds.reduce((sum, kind) => sum + bytesOfValue[kind], 0);
}
