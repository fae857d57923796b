import {
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Database } from "./schema.ts";

/*
 * Kysely is 280 small files, which take longer to load than most commands to run: the build puts this module and all it
 * imports into one. Import it when a store is opened, and values of Kysely from nowhere else.
 */

const languages = {
  sqlite: { compiler: SqliteQueryCompiler, adapter: SqliteAdapter, introspector: SqliteIntrospector },
  postgres: { compiler: PostgresQueryCompiler, adapter: PostgresAdapter, introspector: PostgresIntrospector },
} as const;

/** A typed query layer that speaks an engine's SQL over a driver of ours. */
export function createQueryBuilder(engine: "sqlite" | "postgres", driver: Driver): Kysely<Database> {
  const { compiler, adapter, introspector } = languages[engine];
  return new Kysely<Database>({
    dialect: {
      createDriver: () => driver,
      createQueryCompiler: () => new compiler(),
      createAdapter: () => new adapter(),
      createIntrospector: (database) => new introspector(database),
    },
  });
}
