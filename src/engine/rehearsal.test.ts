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

function stepCalled(name: string, inputs: readonly string[], waitMs: number): Step {
  return {
    name,
    inputs,
    outputs: ["text"],
    params: { name },
    code: "1",
    async run(context) {
      await new Promise((done) => setTimeout(done, waitMs));
      await context.writeBytes("text", text, Buffer.from(name));
      context.record({ a: 1 });
    },
  };
}

/** The SQL of all that was made ready and of all that was written, in the order of time. */
async function watched(waitMs: number): Promise<{ readonly prepared: readonly string[]; readonly written: string[] }> {
  const store = await openMemoryStore({ clock });
  const [prepared, written]: [string[], string[]] = [[], []];
  const sqlOf = (queries: readonly Compilable[]): string[] => queries.map((query) => query.compile().sql);
  const watching: Store = {
    ...store,
    prepare(queries) {
      prepared.push(...sqlOf(queries));
      store.prepare(queries);
    },
    write(queries, ...rest) {
      written.push(...sqlOf(queries));
      return store.write(queries, ...rest);
    },
  };
  const steps = [stepCalled("a", [], waitMs), stepCalled("b", ["a.text"], waitMs)];
  const { status } = await runWorkflow({ name: "w", seed: 1, steps }, { store: watching, clock });
  expect(status).toBe("succeeded");
  await store.close();
  return { prepared, written };
}

it("what records the steps of a run is made ready while the first of them computes", async () => {
  const { prepared, written } = await watched(20);
  expect(written.length).toBeGreaterThan(10);
  expect(written.filter((sql) => !prepared.includes(sql))).toEqual([]);
});
