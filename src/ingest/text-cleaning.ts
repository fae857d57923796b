import type { QuerySession } from "../query/session.ts";
import { type Conversion, withParsed } from "./convert.ts";

/** How the texts of one column are cleaned before they are read, as plain data. */
export interface TextCleaning {
  readonly column: string;
  /** Without blanks at both ends. Numbers, booleans and times are read so anyway. */
  readonly trim: boolean;
  readonly case: "lower" | "upper" | null;
  /** Texts that mean "missing" in this column. */
  readonly missing: readonly string[];
}

/** How many cells of a column cleaning changed. */
export interface CleanedCells {
  readonly column: string;
  readonly cells: number;
}

const blanks = "' ' || chr(9) || chr(10) || chr(13)";

/** The conversion with its value cleaned; of categories and texts alone, for other kinds have no blanks and no case. */
export function cleanValue(conversion: Conversion, cleaning: TextCleaning | undefined): Conversion {
  if (!cleaning || (!cleaning.trim && cleaning.case === null)) return conversion;
  const trimmed = cleaning.trim ? `trim(${conversion.value}, ${blanks})` : conversion.value;
  const cased = cleaning.case === null ? trimmed : `${cleaning.case}(${trimmed})`;
  return { ...conversion, value: `nullif(${cased}, '')` };
}

/** Counts the cells whose value cleaning changed, column by column, in one reading. */
export async function countCleaned(
  session: QuerySession,
  sql: string,
  columns: readonly { readonly column: string; readonly plain: Conversion; readonly clean: Conversion }[],
): Promise<readonly CleanedCells[]> {
  if (columns.length === 0) return [];
  const counts = columns.map(
    ({ plain, clean }) => `count(*) FILTER (WHERE (${plain.value}) IS DISTINCT FROM (${clean.value}))::DOUBLE`,
  );
  const parsed = withParsed(
    sql,
    columns.map(({ plain }) => plain),
  );
  const [counted] = await session.rows(`SELECT ${counts.join(", ")} FROM ${parsed}`);
  return columns.map(({ column }, i) => ({ column, cells: Number(counted![i]) }));
}
