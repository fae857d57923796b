import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { sourceTypeOf } from "../query/source-type.ts";
import { findCellIssues } from "./cell-issues.ts";
import { type Conversion, convert, withParsed } from "./convert.ts";
import { guardValue, keyFor, setKey } from "./guard.ts";
import type { IngestReport, IngestRequest } from "./ingest.ts";
import type { Relation } from "./relation.ts";
import type { SourceDescription } from "./source.ts";
import { unreadable } from "./table.ts";
import { cleanValue, countCleaned } from "./text-cleaning.ts";

/** Throws SOURCE_UNREADABLE where DuckDB read other than what was counted. */
export function requireRows(source: SourceDescription, nRows: number, nRead: number): void {
  if (nRead !== nRows) throw unreadable(source, `it holds ${nRows} rows, of which DuckDB read ${nRead}`);
}

/** How the contract's columns come from a relation's. */
export interface Selection {
  readonly conversions: readonly Conversion[];
  /** The columns whose texts are cleaned, as they were and as they are. */
  readonly changed: readonly { readonly column: string; readonly plain: Conversion; readonly clean: Conversion }[];
  /** Selects them under these identifiers. */
  sql(identifiers: readonly string[]): string;
}

/** Throws COLUMN_MISSING. */
export async function select(
  { source, contract, texts = [], privacyKey }: IngestRequest,
  relation: Relation,
): Promise<Selection> {
  const changed: { column: string; plain: Conversion; clean: Conversion }[] = [];
  const key = keyFor(contract, privacyKey);
  const conversions = contract.columns.map((column) => {
    const position = positionOf(relation, column.name, source);
    const cleaning = texts.find((one) => one.column === column.name);
    const missing = [...(source.missing ?? []), ...(cleaning?.missing ?? [])];
    const plain = convert(`c${position}`, relation.types[position]!, column.kind, missing);
    const clean = cleanValue(plain, column.kind, cleaning);
    if (clean !== plain) changed.push({ column: column.name, plain, clean });
    return guardValue(clean, column);
  });
  if (key !== null) await setKey(relation.session, key);
  return {
    conversions,
    changed,
    sql: (identifiers) =>
      `SELECT ${conversions.map(({ value }, i) => `${value} AS ${identifiers[i]!}`).join(", ")} FROM ${withParsed(relation.sql, conversions)}`,
  };
}

/** What is to be said of rows that were read; `withGaps` has the positions of columns with missing values. */
export async function reportOf(
  { source, contract }: IngestRequest,
  relation: Relation,
  { conversions, changed }: Selection,
  withGaps: ReadonlySet<number>,
): Promise<IngestReport> {
  // Only columns whose conversion can fail and whose values have gaps are worth a second reading.
  const suspects = conversions.map((conversion, i) => (!conversion.isTotal && withGaps.has(i) ? conversion : null));
  const issues = await findCellIssues(relation, contract, suspects);
  const cleaned = await countCleaned(relation.session, relation.sql, changed);
  const types = contract.columns.map(({ name }) => {
    return { column: name, type: sourceTypeOf(relation.types[positionOf(relation, name, source)]!) };
  });
  return { nRows: relation.nRows, origins: relation.origins, types, cleaned, ...issues };
}

function positionOf(relation: Relation, name: string, source: SourceDescription): number {
  const position = relation.names.indexOf(name);
  if (position >= 0) return position;
  const twin = relation.names.findIndex((candidate) => candidate.normalize("NFC") === name.normalize("NFC"));
  if (twin >= 0) return twin;
  throw new MillraceError("COLUMN_MISSING", {
    name,
    subject: `"${source.path}"`,
    found: relation.names,
    nearest: nearestName(name, relation.names),
  });
}
