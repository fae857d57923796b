import { type Duration, parseTimeout } from "../../core/duration.ts";
import { invalidDefinition } from "../../frame/definition-fault.ts";
import { isQuotable } from "../../query/quote.ts";
import type { Source, SourceOptions } from "../source.ts";

/** A text that is looked up in the environment when it is needed, so that it stands in no definition and no record. */
export interface FromEnvironment {
  /** Name of the variable. */
  readonly env: string;
}

/** How a server's rows are asked for, as plain data without secrets. */
export interface DatabaseDescription {
  readonly url: string | FromEnvironment;
  readonly password?: FromEnvironment;
  /** Table or view, its schema in front of a dot; absent where there is a query. */
  readonly table?: string;
  /** A column that only grows: rows beyond the last snapshot's maximum are read and no others. */
  readonly since?: string;
  /** A query whose answer stands for all rows: where it is as before, nothing is read. */
  readonly version?: string;
  /** The whole reading. */
  readonly timeoutMs: number;
}

interface SharedOptions extends Pick<SourceOptions, "missing"> {
  /**
   * Where the server is, such as "postgres://app@db.example/shop", or `{ env: "DATABASE_URL" }`. An address that holds a
   * password must come from the environment.
   */
  readonly url: string | FromEnvironment;
  /** The password, where the address does not hold it. */
  readonly password?: FromEnvironment;
  /** Limit of the whole reading. Default "10m". */
  readonly timeout?: Duration;
}

type What =
  /** A table or view, all of it; its schema may stand in front of a dot. */
  | { readonly table: string; readonly query?: never }
  /** One query, which runs in a transaction that can only read. */
  | { readonly query: string; readonly table?: never };

type When =
  /** A column that only grows: an integer, a date or a time. Rows that came since the last reading are read and no others. */
  | { readonly since?: string; readonly version?: never }
  /** A query whose answer says whether anything changed; where it is as before, nothing is read. */
  | { readonly version?: string; readonly since?: never };

export type DatabaseOptions = SharedOptions & What & When;

/**
 * Rows of a PostgreSQL server: a table or a query, read in one read-only transaction. Needs the packages `pg` and `pg-cursor`.
 *
 * All rows are read in every run, unless `since` names a column that only grows (an integer, date or time) or `version` is
 * a query whose answer says whether anything changed. Throws DEFINITION_INVALID.
 */
export function postgres(options: DatabaseOptions): Source {
  return database("postgres", options, /^postgres(ql)?:\/\//);
}

/** Rows of a MySQL or MariaDB server; otherwise as {@link postgres}. Needs the package `mysql2`. */
export function mysql(options: DatabaseOptions): Source {
  return database("mysql", options, /^(mysql|mariadb):\/\//);
}

function database(kind: "postgres" | "mysql", options: DatabaseOptions, scheme: RegExp): Source {
  const { url, password, table, query, since, version, missing } = options;
  if ((table === undefined) === (query === undefined)) {
    const actual = table === undefined ? "neither" : "both";
    throw invalidDefinition(`${kind}()`, "needs either `table` or `query`", actual);
  }
  if (since !== undefined && version !== undefined)
    throw invalidDefinition(`${kind}()`, "takes `since` or `version`, not both", "both");
  if (table !== undefined && !table.split(".").every(isQuotable))
    throw invalidDefinition(
      `${kind}(): table`,
      "must name a table, its schema in front of a dot",
      JSON.stringify(table),
    );
  if (since !== undefined && !isQuotable(since))
    throw invalidDefinition(`${kind}(): since`, "must name a column", JSON.stringify(since));
  checkAddress(kind, url, scheme);
  const timeoutMs = parseTimeout(options.timeout ?? "10m");
  if (timeoutMs === undefined || timeoutMs <= 0)
    throw invalidDefinition(
      `${kind}(): timeout`,
      'must be a duration such as "90s", at most 24 days',
      JSON.stringify(options.timeout),
    );
  const description: DatabaseDescription = Object.freeze({
    url: typeof url === "string" ? url : variable(`${kind}(): url`, url),
    ...(password === undefined ? {} : { password: variable(`${kind}(): password`, password) }),
    ...(table === undefined ? {} : { table }),
    ...(since === undefined ? {} : { since }),
    ...(version === undefined ? {} : { version }),
    timeoutMs,
  });
  return Object.freeze({
    kind,
    path: `${kind} ${table ?? "query"}`,
    ...(query === undefined ? {} : { query }),
    ...(missing ? { missing: Object.freeze([...missing]) } : {}),
    database: description,
  });
}

function checkAddress(kind: string, url: string | FromEnvironment, scheme: RegExp): void {
  if (typeof url !== "string") return;
  // The address itself is not shown: a mistyped one may hold the password in any place.
  if (!URL.canParse(url) || !scheme.test(url))
    throw invalidDefinition(
      `${kind}(): url`,
      `must be an address such as ${kind}://user@host/database`,
      "another text",
    );
  const { password, searchParams } = new URL(url);
  if (password === "" && !searchParams.has("password")) return;
  const rule = 'must not hold a password, which would be stored with the run: write url: { env: "DATABASE_URL" }';
  throw invalidDefinition(`${kind}(): url`, rule, "an address with a password");
}

/** Checks the name of a variable. */
export function variable(subject: string, given: unknown): FromEnvironment {
  const env = typeof given === "object" && given !== null && "env" in given ? given.env : undefined;
  if (typeof env === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(env)) return Object.freeze({ env });
  throw invalidDefinition(
    subject,
    'must be { env: "NAME" } with the name of an environment variable',
    "something else",
  );
}
