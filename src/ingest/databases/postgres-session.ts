import type { Client } from "pg";
import { MillraceError } from "../../core/errors/error.ts";
import { quoteIdentifier } from "../../query/quote.ts";
import type { CellColumn } from "../parts/cells-file.ts";
import { batchRows, type DatabaseSession, notGrowing, type SessionOptions } from "./session.ts";

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
  readonly dataTypeModifier: number;
}

const bytea = 17;
const numeric = 1700;
const floats: ReadonlySet<number> = new Set([700, 701, numeric]);
const booleanType = 16;
/** int8, int2, int4, oid, date, timestamp, timestamptz. */
const growing: ReadonlySet<number> = new Set([20, 21, 23, 26, 1082, 1114, 1184]);
const connectMs = 15_000;

/**
 * Opens a PostgreSQL server: every value comes as the server writes it, so that none is rounded on the way; times are
 * those of UTC. The extended protocol takes one statement at a time, so that no query can end the transaction.
 */
export async function openPostgres({ url, password, timeoutMs }: SessionOptions): Promise<DatabaseSession> {
  const driver = await loadDriver();
  const client = new driver.Client({
    connectionString: addressWith(url, password),
    connectionTimeoutMillis: Math.min(connectMs, timeoutMs),
    application_name: "millrace",
    keepAlive: true,
  });
  // A broken connection fails the query under way; without a listener it would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query(
      `SET LOCAL statement_timeout = ${Math.ceil(timeoutMs)}; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1`,
    );
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return createSession(client, driver.Cursor);
}

function createSession(client: Client, Cursor: Driver["Cursor"]): DatabaseSession {
  const rawTexts = { getTypeParser: () => (text: string) => text };
  return {
    async select(query, parameters = []) {
      const cursor = client.query(
        new Cursor<(string | null)[]>(query, [...parameters], { rowMode: "array", types: rawTexts as never }),
      );
      const first = await readBatch(cursor);
      return { columns: first.fields.map(columnOf), batches: batchesOf(cursor, first) };
    },
    quoteName: quoteIdentifier,
    async watermark(query, column, position) {
      const probe = client.query(new Cursor(`SELECT ${quoteIdentifier(column)} FROM (${query}) AS q LIMIT 0`, []));
      const { fields } = await readBatch(probe);
      await probe.close();
      if (!growing.has(fields[0]!.dataTypeID)) throw notGrowing(column);
      return `$${position}`;
    },
    async keyOf(table) {
      const found = await client.query<{ attname: string }>(
        `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)`,
        [table.split(".").map(quoteIdentifier).join(".")],
      );
      return found.rows.map(({ attname }) => attname);
    },
    async finish() {
      await client.query("COMMIT");
      await client.end();
    },
    destroy() {
      // An end that waits for its turn could wait for a query that never answers.
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    },
  };
}

/** The driver lets an address without a password win over a password beside it. */
function addressWith(url: string, password: string | undefined): string {
  const address = new URL(url);
  if (password !== undefined) address.password = encodeURIComponent(password);
  return address.href;
}

type Driver = Pick<typeof import("pg"), "Client"> & { readonly Cursor: typeof import("pg-cursor") };

async function loadDriver(): Promise<Driver> {
  try {
    const [pg, cursor] = await Promise.all([import("pg"), import("pg-cursor")]);
    return { Client: pg.default.Client, Cursor: cursor.default };
  } catch (error) {
    const packages = ["pg", "pg-cursor"];
    throw new MillraceError("PACKAGE_MISSING", { needs: "a source of postgres()", packages }, { cause: error });
  }
}

interface Batch {
  readonly rows: (string | null)[][];
  readonly fields: readonly Field[];
}

interface ReadingCursor {
  read(count: number, done: (error: Error | undefined, rows: unknown[], result: { fields: Field[] }) => void): void;
  close(): Promise<void>;
}

function readBatch(cursor: ReadingCursor): Promise<Batch> {
  return new Promise((resolve, reject) => {
    cursor.read(batchRows, (error, rows, result) => {
      if (error) reject(error);
      else resolve({ rows: rows as (string | null)[][], fields: result?.fields ?? [] });
    });
  });
}

async function* batchesOf(
  cursor: ReadingCursor,
  first: Batch,
): AsyncGenerator<readonly (readonly (string | null)[])[]> {
  const fixes = first.fields.flatMap(({ dataTypeID }, i) => {
    const fix = fixOf(dataTypeID);
    return fix ? [{ i, fix }] : [];
  });
  for (let { rows } = first; rows.length > 0; { rows } = await readBatch(cursor)) {
    for (const row of rows) for (const { i, fix } of fixes) if (row[i] !== null) row[i] = fix(row[i]!);
    yield rows;
  }
}

function columnOf({ name, dataTypeID }: Field): CellColumn {
  if (dataTypeID === bytea)
    return { name, type: "VARCHAR", refused: "is bytea: bytes are neither text nor number; read what they stand for" };
  return { name, type: dataTypeID === numeric ? "DECIMAL" : "VARCHAR" };
}

function fixOf(type: number): ((text: string) => string | null) | undefined {
  if (type === bytea) return () => null;
  if (type === booleanType) return (text) => (text === "t" ? "true" : "false");
  // NaN is how a number says that there is none.
  return floats.has(type) ? (text) => (text === "NaN" ? null : text) : undefined;
}
