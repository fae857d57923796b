import { MillraceError } from "../core/errors/error.ts";

/** A PostgreSQL database and the schema of it that holds a store's tables. */
export interface PostgresAddress {
  /** What the driver connects to, with user and password. */
  readonly url: string;
  readonly schema: string;
  /** What a person is told: no user and no password. */
  readonly place: string;
}

const defaultSchema = "millrace";
const parameters: ReadonlySet<string> = new Set(["schema", "sslmode", "sslrootcert"]);

/** An address that may be shown: whatever could hold a password is left out. */
function masked(text: string): string {
  return text.replace(/^(\w+:\/\/)?.*@/s, "$1***@").replace(/\?.*$/s, "?...");
}

/** Reads `postgres://user:password@host:port/database?schema=name`. Throws STORE_ADDRESS_INVALID. */
export function parseMetadataAddress(text: string): PostgresAddress {
  const refuse = (reason: string): never => {
    throw new MillraceError("STORE_ADDRESS_INVALID", { address: masked(text), reason });
  };
  if (!/^postgres(ql)?:\/\//.test(text)) refuse("it does not begin with postgres://");
  if (!URL.canParse(text)) refuse("it is no URL; encode special characters of user and password");
  const url = new URL(text);
  const database = url.pathname.slice(1);
  if (url.hostname === "") refuse("it names no host");
  if (database === "" || database.includes("/")) refuse("it must name one database");
  const unknown = [...url.searchParams.keys()].find((name) => !parameters.has(name));
  if (unknown !== undefined) refuse(`it has a parameter "${unknown}"; there are ${[...parameters].join(", ")}`);
  const schema = url.searchParams.get("schema") ?? defaultSchema;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith("pg_"))
    refuse("its schema must be made of small letters, digits and _, and not begin with pg_");
  url.searchParams.delete("schema");
  const place = `postgres://${url.hostname}:${url.port || "5432"}/${database}?schema=${schema}`;
  return Object.freeze({ url: url.href, schema, place });
}
