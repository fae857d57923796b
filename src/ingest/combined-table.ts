import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { isOneOf, quoteIdentifier } from "../query/quote.ts";
import { convert, withParsed } from "./convert.ts";
import type { Match, SourceDescription } from "./source.ts";
import { columnList, reasonOf, type Table, type TableContext, unreadable } from "./table.ts";

interface NamedTable extends Table {
  readonly name: string;
}

/** What a source of sources gives, over the tables of its parts; a part's own texts for "missing" are NULL in it. */
export async function combine(
  source: SourceDescription,
  parts: readonly NamedTable[],
  context: TableContext,
): Promise<Table> {
  const tables = parts.map((part, i) => withoutMissing(part, source.sources![i]!.source.missing ?? []));
  try {
    if (source.kind === "union") return unite(tables);
    if (source.kind === "sql") return await queryOver(source.query ?? "", tables, context);
    return await matchRows(source, tables[0]!, tables[1]!, context);
  } catch (error) {
    throw error instanceof MillraceError ? error : unreadable(source, reasonOf(error), error);
  }
}

function withoutMissing(table: NamedTable, missing: readonly string[]): NamedTable {
  if (missing.length === 0) return table;
  const columns = table.types.map((type, i) => {
    const shown = type === "VARCHAR" ? `trim(c${i})` : `c${i}::VARCHAR`;
    return `CASE WHEN NOT ${isOneOf(shown, missing)} THEN c${i} END AS c${i}`;
  });
  return { ...table, sql: `(SELECT ${columns.join(", ")} FROM ${table.sql})` };
}

async function queryOver(query: string, tables: readonly NamedTable[], { session }: TableContext): Promise<Table> {
  const definitions = tables.map(({ name, sql, names }) => {
    const columns = names.map((column, i) => `c${i} AS ${quoteIdentifier(column)}`).join(", ");
    return `${quoteIdentifier(name)} AS (SELECT ${columns} FROM ${sql})`;
  });
  const whole = `WITH ${definitions.join(", ")} SELECT * FROM (${query})`;
  const described = await session.rows(`DESCRIBE ${whole}`);
  const names = described.map((row) => String(row[0]));
  return {
    sql: `(${whole}) AS result(${columnList(names.length)})`,
    names,
    types: described.map((row) => String(row[1])),
    nRows: NaN,
    emptiness: "a query that gives no rows",
    origins: [],
  };
}

/** Columns are matched by name; where two sources hold one as different types, it becomes a text. */
function unite(tables: readonly NamedTable[]): Table {
  const [first] = tables;
  const types = first!.names.map((name, i) => {
    const same = tables.every((table) => table.types[table.names.indexOf(name)] === first!.types[i]);
    return same ? first!.types[i]! : "VARCHAR";
  });
  const selects = tables.map((table) => {
    const strange = table.names.filter((name) => !first!.names.includes(name));
    const absent = first!.names.filter((name) => !table.names.includes(name));
    if (strange.length + absent.length > 0 || table.names.length !== first!.names.length)
      throw mismatch(
        `union(): ${table.name}`,
        `must have the columns ${first!.names.join(", ")}`,
        table.names.join(", "),
      );
    const conversions = first!.names.map((name, i) => {
      const position = table.names.indexOf(name);
      const isSame = table.types[position] === types[i];
      return { position, conversion: isSame ? null : convert(`c${position}`, table.types[position]!, "category", []) };
    });
    const needed = conversions.flatMap(({ conversion }) => conversion ?? []);
    const selected = conversions.map(
      ({ position, conversion }, i) => `${conversion?.value ?? `c${position}`} AS c${i}`,
    );
    return `SELECT ${selected.join(", ")} FROM ${needed.length > 0 ? withParsed(table.sql, needed) : table.sql}`;
  });
  return {
    sql: `(${selects.join(" UNION ALL ")})`,
    names: first!.names,
    types,
    nRows: tables.reduce((sum, table) => sum + table.nRows, 0),
    emptiness: "sources without rows",
    origins: tables.flatMap((table) => table.origins),
  };
}

/** join and asof: the left rows in their order, each with one partner at most. */
async function matchRows(
  source: SourceDescription,
  left: NamedTable,
  right: NamedTable,
  context: TableContext,
): Promise<Table> {
  const match = source.match!;
  const isAsof = source.kind === "asof";
  const keys = match.on.map((_, i) => `k${i}`);
  const own = await stored(sideOf(left, match.on, isAsof ? match.time! : null), context);
  const otherSide = sideOf(right, match.on, isAsof ? match.otherTime! : null);
  // Of a second source only the latest of several rows of one instant is asked for, and so the order.
  const other = isAsof ? await stored(otherSide, context) : otherSide;
  const label = `${source.kind}()`;
  if (isAsof) {
    await requireTimes(`${label}: the first source`, own, match.time!, context);
    await requireTimes(`${label}: the second source`, other, match.otherTime!, context);
  } else await requireUnique(other, keys, match.on, context);
  const taken = rightColumns(left, right, match, isAsof, label);
  const equal = keys.map((key) => `l.${key} = r.${key}`);
  const partner = isAsof
    ? `ASOF LEFT JOIN ${latestOf(other, keys)} AS r ON ${[...equal, `l.t ${match.strict ? ">" : ">="} r.t`].join(" AND ")}`
    : `${match.how === "inner" ? "INNER" : "LEFT"} JOIN ${other} AS r ON ${equal.join(" AND ")}`;
  const tooOld = match.toleranceMs === undefined ? "" : `epoch_ms(l.t) - epoch_ms(r.t) <= ${match.toleranceMs}`;
  const columns = [
    ...left.names.map((_, i) => `l.c${i} AS c${i}`),
    ...taken.map(({ position }, i) => {
      const value = tooOld === "" ? `r.c${position}` : `CASE WHEN ${tooOld} THEN r.c${position} END`;
      return `${value} AS c${left.names.length + i}`;
    }),
  ];
  return {
    sql: `(SELECT ${columns.join(", ")} FROM (SELECT *, rowid AS position FROM ${own}) AS l ${partner} ORDER BY l.position)`,
    names: [...left.names, ...taken.map(({ name }) => name)],
    types: [...left.types, ...taken.map(({ position }) => right.types[position]!)],
    nRows: match.how === "inner" ? NaN : left.nRows,
    emptiness: "no rows that belong together",
    origins: match.how === "inner" ? [] : left.origins,
  };
}

/**
 * The rows as a table, whose row ids are their places. DuckDB's row_number() numbers the files of a union in any order where a
 * join reads it; what goes into a table keeps its order.
 */
async function stored(side: string, { session, nextFile }: TableContext): Promise<string> {
  const name = `side${nextFile()}`;
  await session.run(`CREATE TABLE ${name} AS SELECT * FROM ${side}`);
  return name;
}

/** The rows with their keys as texts (k0, k1, ...), and with their time (t) and whether it could not be read (isBad). */
function sideOf(table: NamedTable, on: readonly string[], time: string | null): string {
  const keys = on.map((name) => {
    const position = positionOf(table, name);
    return convert(`c${position}`, table.types[position]!, "category", []);
  });
  const at = time === null ? null : positionOf(table, time);
  const instant = at === null ? null : convert(`c${at}`, table.types[at]!, "timestamp", []);
  const conversions = [...keys, ...(instant ? [instant] : [])];
  const extra = [
    ...keys.map(({ value }, i) => `${value} AS k${i}`),
    ...(instant ? [`${instant.value} AS t, ${instant.value} IS NULL AND ${instant.present} AS isBad`] : []),
  ];
  return `(SELECT ${[columnList(table.names.length), ...extra].join(", ")} FROM ${conversions.length > 0 ? withParsed(table.sql, conversions) : table.sql})`;
}

/** One row for each entity and time: the last of them. */
function latestOf(side: string, keys: readonly string[]): string {
  const known = [...keys, "t"].map((column) => `${column} IS NOT NULL`).join(" AND ");
  const numbered = `(SELECT *, rowid AS place FROM ${side})`;
  return `(SELECT * FROM ${numbered} WHERE ${known} QUALIFY row_number() OVER (PARTITION BY ${[...keys, "t"].join(", ")} ORDER BY place DESC) = 1)`;
}

function positionOf(table: NamedTable, name: string): number {
  const position = table.names.indexOf(name);
  if (position >= 0) return position;
  const context = { name, subject: `the ${table.name} source`, found: table.names };
  throw new MillraceError("COLUMN_MISSING", { ...context, nearest: nearestName(name, table.names) });
}

function rightColumns(
  left: NamedTable,
  right: NamedTable,
  match: Match,
  isAsof: boolean,
  label: string,
): { readonly name: string; readonly position: number }[] {
  const isShared = (name: string): boolean =>
    match.on.includes(name) || (isAsof && match.prefix === "" && name === match.otherTime && name === match.time);
  const taken = right.names.flatMap((name, position) =>
    isShared(name) ? [] : [{ name: `${match.prefix}${name}`, position }],
  );
  const clash = taken.find(({ name }) => left.names.includes(name));
  if (!clash) return taken;
  const remedy = 'Give a `prefix` for the names of the second source, such as prefix: "other_".';
  const rule = "must not give two columns one name";
  throw new MillraceError("SOURCE_MISMATCH", { subject: label, rule, actual: `"${clash.name}" in both`, remedy });
}

async function requireTimes(subject: string, side: string, column: string, { session }: TableContext): Promise<void> {
  const counted = await session.rows(`SELECT count(*)::DOUBLE FROM ${side} WHERE isBad`);
  const nBad = Number(counted[0]![0]);
  if (nBad > 0) throw mismatch(subject, `must hold ISO 8601 times in "${column}"`, `${nBad} cells that are none`);
}

/** A key that stands twice on the right would double rows of the left. */
async function requireUnique(
  side: string,
  keys: readonly string[],
  on: readonly string[],
  { session }: TableContext,
): Promise<void> {
  const known = keys.map((key) => `${key} IS NOT NULL`).join(" AND ");
  const list = keys.join(", ");
  const twice = await session.rows(
    `SELECT ${list}, count(*)::DOUBLE AS n FROM ${side} WHERE ${known} GROUP BY ${list} HAVING count(*) > 1 ORDER BY n DESC, ${list} LIMIT 1`,
  );
  const [found] = twice;
  if (!found) return;
  const values = on.map((name, i) => `${name} = ${JSON.stringify(found[i])}`).join(", ");
  const remedy = "Bring it to one row a key with sql(), or use asof() where the rows differ in time.";
  throw new MillraceError("SOURCE_MISMATCH", {
    subject: "join(): the second source",
    rule: `must have one row for each ${on.join(", ")}`,
    actual: `${Number(found[keys.length])} rows with ${values}`,
    remedy,
  });
}

function mismatch(subject: string, rule: string, actual: string): MillraceError {
  return new MillraceError("SOURCE_MISMATCH", { subject, rule, actual });
}
