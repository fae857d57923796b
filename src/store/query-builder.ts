/**
 * The part of Kysely that stores use. Kysely is 280 small files, which take longer to load than most commands to run: the
 * build puts this module and all it imports into one file.
 */
export {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";

export type QueryBuilder = typeof import("./query-builder.ts");
