import { MillraceError } from "../core/errors/error.ts";
import { openParquet, type ParquetFile } from "../query/parquet-file.ts";
import { quoteLiteral } from "../query/quote.ts";
import { sourceTypeOf } from "../query/source-type.ts";
import { largestGrowth } from "./byte-stream.ts";
import type { LocatedFile } from "./locate.ts";
import { checkParquetShape, ParquetFault, type ParquetShape } from "./parquet-shape.ts";
import { type FileTable, reasonOf, type TableContext, unreadableFile } from "./table.ts";

/** The rows of a Parquet file. Throws SOURCE_UNREADABLE for one that is damaged, or made for harm. */
export async function openParquetTable(file: LocatedFile, context: TableContext): Promise<FileTable> {
  try {
    const shape = await checkParquetShape(file.path);
    const parquet = await openParquet(context.session, file.path);
    const described = await context.session.rows(`DESCRIBE SELECT * FROM ${parquet.relation}`);
    const types = described.map((row) => String(row[1]));
    await checkRepeats(shape, parquet, types, context);
    const columns = parquet.names.map((_, i) => `c${i}`).join(", ");
    return {
      file,
      sql: parquet.relation,
      relationOf: (paths) => `read_parquet([${paths.map(quoteLiteral).join(", ")}]) AS source(${columns})`,
      layout: JSON.stringify([parquet.names, types]),
      names: parquet.names,
      types,
      nRows: parquet.nRows,
      emptiness: "columns without rows",
      origins: [{ file: file.name, nRows: parquet.nRows, lines: [] }],
    };
  } catch (error) {
    throw error instanceof MillraceError ? error : unreadableFile(file, "parquet", reasonOf(error), error);
  }
}

/** Values of these types are as long whatever they are: their rows alone limit what they come to. */
const fixedTypes: ReadonlySet<string> = new Set(["integer", "number", "decimal", "boolean", "time"]);
const lengthFunctions: ReadonlyMap<string, string> = new Map([
  ["text", "strlen"],
  ["blob", "octet_length"],
]);

/**
 * Throws ParquetFault where the columns that are wanted come to more than they may once what is stored once is repeated. Where
 * texts may, one of them being as long as all together, they are summed: DuckDB measures one that stands in a million rows
 * without repeating it. Lists and structs are judged by what is likely.
 */
async function checkRepeats(
  { repeated, mostBytes }: ParquetShape,
  { names, relation }: ParquetFile,
  types: readonly string[],
  { session, wanted }: TableContext,
): Promise<void> {
  const asked = wanted && new Set(wanted.map(({ name }) => name.normalize("NFC")));
  const sums: string[] = [];
  let [nMeasurable, nOther] = [0, 0];
  for (const [i, { likely, most, grown }] of repeated.entries()) {
    const type = sourceTypeOf(types[i]!);
    if (most + grown === 0 || fixedTypes.has(type) || asked?.has(names[i]!.normalize("NFC")) === false) continue;
    nOther += grown;
    const length = lengthFunctions.get(type);
    if (length === undefined) nOther += likely;
    else {
      nMeasurable += most;
      sums.push(`coalesce(sum(${length}(c${i})::DOUBLE), 0)`);
    }
  }
  if (nOther + nMeasurable > mostBytes && nOther <= mostBytes) {
    const [[measured]] = (await session.rows(`SELECT ${sums.join(" + ")} FROM ${relation}`)) as [[number]];
    nMeasurable = measured;
  }
  if (nOther + nMeasurable > mostBytes)
    throw new ParquetFault(`texts of it that are stored once unpack to more than ${largestGrowth} times its size`);
}
