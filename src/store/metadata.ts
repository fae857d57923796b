import type { Compilable, Kysely } from "kysely";
import type { Durability } from "./hooks.ts";
import type { Fence } from "./leases.ts";
import type { Database } from "./schema.ts";

/** The database of a store, whatever its engine. */
export interface Metadata {
  readonly database: Kysely<Database>;
  /** The rows of a query that only reads. */
  read<Row>(query: Compilable<Row>): Promise<readonly Row[]>;
  write(queries: readonly Compilable[], fence: Fence | undefined, durability: Durability): Promise<readonly number[]>;
  /** Resolves once everything written so far to last "soon" does. Throws STORE_UNWRITABLE where it may never. */
  lasting(): Promise<void>;
  /** As {@link Store.prepare}. */
  prepare(queries: readonly Compilable[]): void;
  snapshot(target: string): Promise<void>;
}

/** A database opened to be looked at. */
export interface InspectedMetadata extends Metadata {
  /** From here to `thaw` everything is read as of one moment. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** What is wrong with its structure: tables, references, format. */
  structure(): Promise<readonly string[]>;
}
