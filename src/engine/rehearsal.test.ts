import type { Compilable } from "kysely";
import { expect, it } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { runWorkflow } from "./run.ts";
import type { Codec, Step } from "./step.ts";

const text: Codec<string> = {
  type: "text",
  format: 1,
  write: async () => {},
  read: async () => "",
};

function stepCalled(name: string, inputs: readonly string[]): Step {
  return {
    name,
    inputs,
    outputs: ["text"],
    params: { name },
    code: "1",
    async run(context) {
      await new Promise((done) => setTimeout(done, 20));
      await context.writeBytes("text", text, Buffer.from(name));
      context.record({ a: 1 });
    },
  };
}

/** The SQL of all that two steps write, and what of it was not made ready before. */
async function watched(): Promise<{ readonly written: readonly string[]; readonly late: readonly string[] }> {
  const store = await openMemoryStore({ clock });
  const [prepared, written, late]: [Set<string>, string[], string[]] = [new Set(), [], []];
  const sqlOf = (queries: readonly Compilable[]): string[] => queries.map((query) => query.compile().sql);
  const watching: Store = {
    ...store,
    prepare(queries) {
      for (const sql of sqlOf(queries)) prepared.add(sql);
      store.prepare(queries);
    },
    write(queries, ...rest) {
      const all = sqlOf(queries);
      written.push(...all);
      late.push(...all.filter((sql) => !prepared.has(sql)));
      return store.write(queries, ...rest);
    },
  };
  const steps = [stepCalled("a", []), stepCalled("b", ["a.text"])];
  const { status } = await runWorkflow({ name: "w", seed: 1, steps }, { store: watching, clock });
  expect(status).toBe("succeeded");
  await store.close();
  return { written, late };
}

it("what records the steps of a run is made ready while the first of them computes", async () => {
  const { written, late } = await watched();
  expect(written.length).toBeGreaterThan(10);
  expect(late).toEqual([]);
});
