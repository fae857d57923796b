import type { Contract, Issue } from "../frame/contract.ts";
import { type Conversion, withParsed } from "./convert.ts";
import type { Relation } from "./relation.ts";

/** Cells that are not of their column's kind. */
export interface CellIssues {
  /** The first 1,000, by row. */
  readonly issues: readonly Issue[];
  /** All of them, counted by `${column}:kind`. */
  readonly issueCounts: readonly (readonly [key: string, count: number])[];
  /** Rows with such a cell, ascending, by column; at most 200,000 a column. */
  readonly badRows: readonly { readonly column: string; readonly rows: readonly number[] }[];
}

export const mostIssues = 1_000;
export const mostRows = 200_000;
const longestShown = 100;

const expected: Readonly<Record<string, string>> = {
  number: "a finite number that a double holds exactly",
  boolean: "true, false, yes, no, t, f, 1 or 0",
  timestamp: "an ISO 8601 date or time, or one in a format that clean.columns declares",
};

interface Suspect {
  readonly column: string;
  readonly kind: string;
  readonly conversion: Conversion;
  readonly count: number;
}

/** Reads the columns of `suspects` (null = sound) again: counts first, then the cells of those that have any. */
export async function findCellIssues(
  relation: Relation,
  contract: Contract,
  suspects: readonly (Conversion | null)[],
): Promise<CellIssues> {
  const checked = suspects.flatMap((conversion, i) =>
    conversion ? [{ conversion, column: contract.columns[i]! }] : [],
  );
  if (checked.length === 0) return { issues: [], issueCounts: [], badRows: [] };
  const counts = checked.map(({ conversion }) => `count(*) FILTER (WHERE ${isBad(conversion)})::DOUBLE`);
  const parsed = withParsed(
    relation.sql,
    checked.map(({ conversion }) => conversion),
  );
  const counted = (await relation.session.rows(`SELECT ${counts.join(", ")} FROM ${parsed}`))[0]!;
  const bad: Suspect[] = checked
    .map(({ conversion, column }, i) => ({
      conversion,
      column: column.name,
      kind: column.kind,
      count: Number(counted[i]),
    }))
    .filter((suspect) => suspect.count > 0);
  if (bad.length === 0) return { issues: [], issueCounts: [], badRows: [] };
  return {
    ...(await collectCells(relation, bad)),
    issueCounts: bad.map(({ column, count }) => [`${column}:kind`, count] as const),
  };
}

function isBad({ present, value }: Conversion): string {
  return `CASE WHEN (${value}) IS NULL THEN ${present} ELSE false END`;
}

async function collectCells(
  relation: Relation,
  bad: readonly Suspect[],
): Promise<Pick<CellIssues, "issues" | "badRows">> {
  const cells = bad.map(({ conversion }, i) => {
    return `CASE WHEN ${isBad(conversion)} THEN left(${conversion.shown}, ${longestShown + 1}) END AS bad${i}`;
  });
  const anyBad = bad.map((_, i) => `bad${i} IS NOT NULL`).join(" OR ");
  const parsed = withParsed(
    relation.sql,
    bad.map(({ conversion }) => conversion),
  );
  const numbered = `SELECT (row_number() OVER () - 1)::DOUBLE AS row, ${cells.join(", ")} FROM ${parsed}`;
  const reader = await relation.session.stream(`SELECT * FROM (${numbered}) WHERE ${anyBad}`);
  const issues: Issue[] = [];
  const badRows = bad.map(({ column }) => ({ column, rows: [] as number[] }));
  for (let chunk = await reader.next(); chunk; chunk = await reader.next()) {
    const rows = chunk.numbers(0);
    const texts = bad.map((_, i) => chunk.texts(i + 1));
    for (let r = 0; r < chunk.nRows; ++r) {
      for (let i = 0; i < bad.length; ++i) {
        const text = texts[i]![r] ?? null;
        if (text === null) continue;
        if (badRows[i]!.rows.length < mostRows) badRows[i]!.rows.push(rows[r]!);
        if (issues.length < mostIssues) issues.push(kindIssue({ ...bad[i]!, ...bad[i]!.conversion }, rows[r]!, text));
      }
    }
  }
  return { issues, badRows };
}

/** The issue of one cell; `text` is what it holds, cut after 101 characters. */
export function kindIssue(
  { column, kind, expected: wanted }: Pick<Suspect, "column" | "kind"> & Pick<Conversion, "expected">,
  row: number,
  text: string,
): Issue {
  const shown = text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
  return { code: "kind", column, row, expected: wanted ?? expected[kind] ?? kind, actual: JSON.stringify(shown) };
}
