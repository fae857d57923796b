import { rm } from "node:fs/promises";
import { isMissing } from "../frame/column.ts";
import type { Frame } from "../frame/frame.ts";
import { eachFrame, eachGroup, stretchRows } from "./dataset.ts";
import { type IngestReport, type IngestRequest, ingestQuickly, reported, sourceFault, withRelation } from "./ingest.ts";
import { locateOutput, type LocatedSource } from "./locate.ts";
import { reportOf, requireRows, type Selection, select } from "./selection.ts";
import { storedNames } from "./stored-names.ts";

/** Takes rows in file order, and how many there are in all. */
export type TakeStretch = (frame: Frame, nRowsInAll: number) => Promise<void>;

/**
 * Reads a source as `ingestSource` does and gives it to `take` in stretches of about 123,000 rows: so much is in memory at a
 * time. Levels are those of the stretch; a cell that is not of its column's kind is missing, and the report, which comes
 * last, has the issue. Nothing is left at `output`, which delimited files are written to in between.
 *
 * Throws as `ingestSource` does, and what `take` throws.
 */
export function ingestInStretches(request: IngestRequest, take: TakeStretch): Promise<IngestReport> {
  return reported(request, async (located) => {
    const output = await locateOutput(request.output);
    try {
      const quick = await ingestQuickly(request, located, output);
      if (quick === null) return await streamed(request, located, output, take);
      await eachGroup(output, request.contract, take);
      return quick.report;
    } finally {
      await rm(output, { force: true });
    }
  });
}

function streamed(
  request: IngestRequest,
  located: LocatedSource,
  output: string,
  take: TakeStretch,
): Promise<IngestReport> {
  const { contract, source } = request;
  return withRelation(request, located, output, async (relation) => {
    const { session, nRows } = relation;
    const selection = await select(request, relation);
    const withGaps = new Set<number>();
    const table = {
      names: storedNames(contract.columns.map((column) => column.name)),
      nRows,
      relation: `(${selection.sql(contract.columns.map((_, i) => `c${i}`))})`,
    };
    let taken: { readonly error: unknown } | undefined;
    const read = eachFrame(session, table, contract, stretchRows, async (frame) => {
      addGaps(frame, selection, withGaps);
      await take(frame, nRows).catch((error: unknown) => {
        taken = { error };
        throw error;
      });
    });
    const nRead = await read.catch((error: unknown) => {
      throw taken ? taken.error : sourceFault(error, source, request.output);
    });
    requireRows(source, nRows, nRead);
    return reportOf(request, relation, selection, withGaps);
  });
}

/** Adds the positions of columns that have a missing value where a conversion may have failed. */
function addGaps({ nRows, columns }: Frame, { conversions }: Selection, withGaps: Set<number>): void {
  for (const [position, column] of columns.entries()) {
    if (conversions[position]!.isTotal) continue;
    for (let row = 0; row < nRows && !withGaps.has(position); ++row) if (isMissing(column, row)) withGaps.add(position);
  }
}
