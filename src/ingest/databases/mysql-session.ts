import type { Readable } from "node:stream";
import { MillraceError } from "../../core/errors/error.ts";
import type { Cell, CellColumn, CellRows } from "../parts/cells-file.ts";
import { batchRows, type DatabaseSession, notGrowing, type SessionOptions } from "./session.ts";

interface Field {
  readonly name: string;
  readonly columnType: number;
  readonly characterSet: number;
  readonly flags: number;
}

/** What of the driver's connection is used. */
interface Connection {
  connect(done: (error: Error | null) => void): void;
  query(sql: string, done: (error: Error | null, rows: unknown) => void): void;
  execute(options: object, parameters: readonly string[]): { stream(options: object): Readable };
  end(done: (error: Error | null) => void): void;
  destroy(): void;
  on(event: "error", listener: (error: Error) => void): void;
}

interface Answer {
  readonly stream: Readable;
  readonly fields: readonly Field[];
}

const types = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  datetime: 12,
  bit: 16,
  newDecimal: 246,
  geometry: 255,
} as const;
const vector = 242;
const unsignedFlag = 32;
const binaryCharset = 63;
/** Strings and blobs, which are bytes where their character set is "binary". */
const stringTypes: ReadonlySet<number> = new Set([15, 249, 250, 251, 252, 253, 254]);
const integers: ReadonlySet<number> = new Set([types.tiny, types.short, types.long, types.longlong, types.int24]);
const connectMs = 15_000;

/**
 * Opens a MySQL or MariaDB server. Prepared statements are used for their binary protocol: in the text one, floats come
 * rounded to six digits. It takes one statement at a time; the session can only read, whatever a statement commits.
 */
export async function openMysql({ url, password, timeoutMs }: SessionOptions): Promise<DatabaseSession> {
  const connection = await connect(url, password, timeoutMs);
  const answers = new Set<Readable>();
  // A lost connection is told to callbacks alone: whoever reads a stream would wait for ever.
  connection.on("error", (error) => answers.forEach((stream) => stream.destroy(error)));
  const run = (sql: string): Promise<unknown> =>
    new Promise((resolve, reject) => connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows))));
  try {
    await run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    await run("SET time_zone = '+00:00'");
    await limitStatements(run, timeoutMs);
    await run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return createSession(connection, answers, run);
}

function createSession(
  connection: Connection,
  answers: Set<Readable>,
  run: (sql: string) => Promise<unknown>,
): DatabaseSession {
  const ask = async (sql: string, parameters: readonly string[]): Promise<Answer> => {
    const stream = connection.execute({ sql, rowsAsArray: true }, parameters).stream({ highWaterMark: batchRows });
    answers.add(stream);
    stream.once("close", () => answers.delete(stream));
    return { stream, fields: await fieldsOf(stream) };
  };
  const select = async (query: string, parameters: readonly string[] = []): Promise<CellRows> => {
    const { stream, fields } = await ask(query, parameters);
    return { columns: fields.map(columnOf), batches: batchesOf(stream, fields) };
  };
  return {
    select,
    quoteName,
    async watermark(query, column) {
      const { stream, fields } = await ask(`SELECT ${quoteName(column)} FROM (${query}) AS q LIMIT 0`, []);
      for await (const _ of stream) continue;
      return watermarkOf(fields[0]!, column);
    },
    keyOf: (table) => keyOf(select, table),
    async finish() {
      await run("COMMIT");
      await new Promise<void>((resolve) => connection.end(() => resolve()));
    },
    destroy() {
      connection.destroy();
      for (const stream of answers) stream.destroy(new Error("the connection was ended"));
    },
  };
}

function watermarkOf({ columnType, flags }: Field, column: string): string {
  if (integers.has(columnType)) return `CAST(? AS ${(flags & unsignedFlag) > 0 ? "UNSIGNED" : "SIGNED"})`;
  if (columnType === types.date) return "CAST(? AS DATE)";
  if (columnType === types.datetime || columnType === types.timestamp) return "CAST(? AS DATETIME(6))";
  throw notGrowing(column);
}

async function keyOf(select: DatabaseSession["select"], table: string): Promise<readonly string[]> {
  const parts = table.split(".");
  const schema = parts.length > 1 ? "?" : "coalesce(database(), ?)";
  const rows = await select(
    `SELECT column_name FROM information_schema.key_column_usage WHERE constraint_name = 'PRIMARY' AND table_schema = ${schema} AND table_name = ? ORDER BY ordinal_position`,
    [parts.length > 1 ? parts[0]! : "", parts.at(-1)!],
  );
  const names: string[] = [];
  for await (const batch of rows.batches) for (const [name] of batch) names.push(name!);
  return names;
}

async function connect(url: string, password: string | undefined, timeoutMs: number): Promise<Connection> {
  const { createConnection } = await loadDriver();
  const address = new URL(url);
  const tls = address.searchParams.get("sslmode") ?? "";
  const connection = createConnection({
    host: address.hostname.replace(/^\[|\]$/g, "") || "localhost",
    port: address.port === "" ? 3306 : Number(address.port),
    user: decodeURIComponent(address.username),
    password: password ?? decodeURIComponent(address.password),
    database: decodeURIComponent(address.pathname.slice(1)),
    ...(/^(require|verify-ca|verify-full)$/.test(tls) ? { ssl: {} } : {}),
    connectTimeout: Math.min(connectMs, timeoutMs),
    charset: "utf8mb4",
    timezone: "Z",
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    jsonStrings: true,
    disableEval: true,
    enableKeepAlive: true,
  } as never) as unknown as Connection;
  connection.on("error", () => {});
  await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
  return connection;
}

async function loadDriver(): Promise<Pick<typeof import("mysql2"), "createConnection">> {
  try {
    return (await import("mysql2")).default;
  } catch (error) {
    throw new MillraceError(
      "PACKAGE_MISSING",
      { needs: "a source of mysql()", packages: ["mysql2"] },
      { cause: error },
    );
  }
}

/** The limit has one name in MySQL and another in MariaDB. */
async function limitStatements(run: (sql: string) => Promise<unknown>, timeoutMs: number): Promise<void> {
  await run(`SET SESSION max_execution_time = ${Math.ceil(timeoutMs)}`).catch(() =>
    run(`SET SESSION max_statement_time = ${timeoutMs / 1000}`),
  );
}

function fieldsOf(stream: Readable): Promise<readonly Field[]> {
  return new Promise((resolve, reject) => {
    stream.once("fields", (fields: readonly Field[] | undefined) => resolve(fields ?? []));
    stream.once("error", reject);
  });
}

async function* batchesOf(stream: Readable, fields: readonly Field[]): AsyncGenerator<readonly (readonly Cell[])[]> {
  const texts = fields.map(textOf);
  let batch: Cell[][] = [];
  for await (const row of stream) {
    batch.push((row as unknown[]).map((value, i) => (value === null ? null : texts[i]!(value))));
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

function columnOf(field: Field): CellColumn {
  const { name, columnType } = field;
  const isDecimal = columnType === types.decimal || columnType === types.newDecimal;
  if (isBytes(field))
    return {
      name,
      type: "VARCHAR",
      refused: "holds bytes, which are neither text nor number; read what they stand for",
    };
  return { name, type: isDecimal ? "DECIMAL" : "VARCHAR" };
}

function isBytes({ columnType, characterSet }: Field): boolean {
  if (columnType === types.geometry || columnType === vector) return true;
  return stringTypes.has(columnType) && characterSet === binaryCharset;
}

function textOf(field: Field): (value: unknown) => Cell {
  if (isBytes(field)) return () => null;
  switch (field.columnType) {
    case types.float:
      return (value) => shortestFloat(value as number);
    case types.bit:
      return (value) => (value as Buffer).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n).toString();
    default:
      return (value) => (Object.is(value, -0) ? "-0" : String(value));
  }
}

/** The shortest decimal that is this 32-bit float, as PostgreSQL writes one. */
function shortestFloat(value: number): string {
  for (let digits = 6; digits <= 9; ++digits) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}

function quoteName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
