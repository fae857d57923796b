import type { Compilable, CompiledQuery, Kysely } from "kysely";
import type { Database } from "./schema.ts";

/** So many shapes are remembered of each database. */
const mostShapes = 200;

const compiled = new WeakMap<Kysely<Database>, Map<string, CompiledQuery>>();

/**
 * A query whose SQL is made once for all queries of the same `shape`: building and compiling one takes longer than running
 * it. `parameters` are those of this one, in the order in which what `build` gives has them.
 */
export function compileOnce<Row>(
  database: Kysely<Database>,
  shape: string,
  parameters: readonly unknown[],
  build: () => Compilable<Row>,
): Compilable<Row> {
  const shapes = compiled.get(database) ?? new Map<string, CompiledQuery>();
  if (shapes.size === 0) compiled.set(database, shapes);
  const known = shapes.get(shape) as CompiledQuery<Row> | undefined;
  if (known !== undefined) {
    const { query, queryId, sql } = known;
    return { compile: () => ({ query, queryId, sql, parameters }) };
  }
  const first = build().compile();
  if (
    first.parameters.length !== parameters.length ||
    first.parameters.some((value, i) => !Object.is(value, parameters[i]))
  )
    throw new Error(`the query "${shape}" has other parameters: ${first.sql}`);
  // The oldest goes.
  if (shapes.size >= mostShapes) shapes.delete(shapes.keys().next().value!);
  shapes.set(shape, withoutValues(first));
  return { compile: () => first };
}

/** What was built holds the first query's values, which may be large; whoever runs it asks only for its kind. */
function withoutValues(query: CompiledQuery): CompiledQuery {
  return { ...query, query: { kind: query.query.kind } as CompiledQuery["query"], parameters: [] };
}
