import { MillraceError } from "../../core/errors/error.ts";
import type { Progress } from "../../core/progress.ts";
import { checkColumnNames } from "../../frame/column-name.ts";
import type { Contract } from "../../frame/contract.ts";
import type { IngestReport } from "../ingest.ts";
import { LineIndex } from "../line-index.ts";
import type { LocatedFile, LocatedSource } from "../locate.ts";
import { type SnapshotColumn, SnapshotWriter } from "../snapshot/snapshot-writer.ts";
import { storedNames } from "../stored-names.ts";
import { isPlainlyRead, type TextCleaning } from "../text-cleaning.ts";
import type { Origin } from "../table.ts";
import type { Block, BlockPlan } from "./block.ts";
import { type BlockCrew, openCrew } from "./block-crew.ts";
import { CellLog } from "./cell-log.ts";
import { readBlocks } from "./file-blocks.ts";
import { type FileHead, headOf } from "./file-head.ts";

export interface DelimitedRequest {
  readonly located: LocatedSource;
  readonly contract: Contract;
  readonly texts: readonly TextCleaning[];
  readonly output: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
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
  const first = await openHead(located, files[0]!, request.signal);
  if (first === null) return null;
  const writer = await SnapshotWriter.open(request.output, storedColumns(contract));
  try {
    const reading = new Reading(request, writer, first.names);
    for (const file of files) if (!(await reading.read(file))) return null;
    if (reading.nRows === 0) return null;
    await writer.finish();
    return { report: reading.report(), names: first.names };
  } finally {
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

/** How a file begins; null where the slow way has to say what is wrong with it. */
async function openHead(
  { source }: LocatedSource,
  file: LocatedFile,
  signal: AbortSignal | undefined,
): Promise<OpenedHead | null> {
  const blocks = readBlocks(file.path, source.quotes ?? true, () => "\n", signal);
  try {
    const { value: block } = await blocks.next();
    const head = block ? headOf(block, source.delimiter ?? ",", source.quotes ?? true) : null;
    if (head === null) return null;
    const names = source.columns ?? head.first;
    if (names.length !== head.first.length) return null;
    checkColumnNames(names);
    return { head, names };
  } catch (error) {
    if (error instanceof MillraceError && error.code.startsWith("COLUMN_NAME")) return null;
    throw error;
  } finally {
    await blocks.return();
  }
}

/** The files of one source, read one after the other into one snapshot. */
class Reading {
  readonly #request: DelimitedRequest;
  readonly #writer: SnapshotWriter;
  readonly #names: readonly string[];
  readonly #cells: CellLog;
  readonly #origins: Origin[] = [];
  nRows = 0;

  constructor(request: DelimitedRequest, writer: SnapshotWriter, names: readonly string[]) {
    this.#request = request;
    this.#writer = writer;
    this.#names = names;
    this.#cells = new CellLog(request.contract);
  }

  /** False where the file is out of the ordinary. */
  async read(file: LocatedFile): Promise<boolean> {
    const { located, signal } = this.#request;
    const opened = await openHead(located, file, signal);
    const plan = opened === null ? null : this.#planOf(opened.names);
    if (plan === null) return false;
    const crew = openCrew(plan, file.sizeBytes >= largeBytes);
    try {
      return await this.#readBlocks(file, opened!.head, crew);
    } finally {
      await crew.close();
    }
  }

  report(): IngestReport {
    const types = this.#request.contract.columns.map(({ name }) => ({ column: name, type: "text" }));
    return { nRows: this.nRows, origins: this.#origins, types, cleaned: [], ...this.#cells.found() };
  }

  /** null where the file has not the columns of the first one, or lacks one of the contract's, or two are one. */
  #planOf(names: readonly string[]): BlockPlan | null {
    const { located, contract, texts } = this.#request;
    const { source } = located;
    if (names.length !== this.#names.length || names.some((name) => !this.#names.includes(name))) return null;
    const columns = contract.columns.map(({ name, kind }) => ({
      kind,
      cell: names.indexOf(name),
      missing: [...(source.missing ?? []), ...(texts.find(({ column }) => column === name)?.missing ?? [])],
    }));
    const cells = new Set(columns.map(({ cell }) => cell));
    if (cells.has(-1) || cells.size < columns.length) return null;
    return { delimiter: source.delimiter ?? ",", quotes: source.quotes ?? true, nCells: names.length, columns };
  }

  /** Blocks are parsed ahead, and taken in their order. */
  async #readBlocks(file: LocatedFile, head: FileHead, crew: BlockCrew): Promise<boolean> {
    const { located, progress, signal } = this.#request;
    const hasHeader = located.source.header ?? true;
    const place = { row: 0, line: 1 + (hasHeader ? head.lines : head.linesBefore), lines: new LineIndex() };
    const underWay: Promise<Block | null>[] = [];
    let skip = hasHeader ? head.end : head.start;
    /** False once a block is out of the ordinary. */
    const leave = async (most: number): Promise<boolean> => {
      while (underWay.length > most) {
        const block = await underWay.shift()!;
        if (block === null || block.lineEnd !== head.lineEnd) return false;
        await this.#take(block, place);
      }
      return true;
    };
    let nBytes = 0;
    try {
      for await (const block of readBlocks(file.path, located.source.quotes ?? true, () => head.lineEnd, signal)) {
        if (block === null) return false;
        nBytes += block.length;
        const rest = block.subarray(skip);
        skip = 0;
        if (rest.length > 0) underWay.push(crew.parse(rest));
        if (!(await leave(crew.size - 1))) return false;
        progress.report(Math.min(nBytes, file.sizeBytes), file.sizeBytes, "bytes");
      }
      if (!(await leave(0))) return false;
    } finally {
      await Promise.allSettled(underWay);
    }
    this.#origins.push({ file: file.name, nRows: place.row, lines: place.lines.pairs });
    return true;
  }

  async #take(block: Block, place: { row: number; line: number; readonly lines: LineIndex }): Promise<void> {
    for (let i = 0; i < block.lines.length; i += 2) {
      place.lines.add(place.row + block.lines[i]!, place.line + block.lines[i + 1]!);
    }
    this.#cells.add(block, this.nRows);
    await this.#writer.add(block.columns, block.nRows);
    place.row += block.nRows;
    place.line += block.nLines;
    this.nRows += block.nRows;
  }
}
