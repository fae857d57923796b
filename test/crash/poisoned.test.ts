import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { createRng, type Rng } from "../../src/core/rng.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { collectGarbage } from "../../src/store/gc.ts";
import { openStore } from "../../src/store/open.ts";
import { loadSqlite, openEngine } from "../../src/store/sqlite.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { eightSteps } from "./workflow.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-poison-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What no code of ours writes: broken JSON, wrong kinds, numbers beyond sense, times far off, names that mean something. */
const poison = [
  null,
  "",
  "{broken",
  "[]",
  "__proto__",
  "sha256:not-a-digest",
  -1,
  0,
  1e308,
  2 ** 53,
  8.7e15,
  "\u0000",
  "é".repeat(99),
];

interface ColumnInfo {
  readonly name: string;
  readonly notnull: number;
}

/** Writes rows of poison into every table but the good ones' own, as a damaged or hostile program might: constraints off. */
async function poisonTables(path: string, rowsPerTable: number, rng: Rng): Promise<number> {
  const engine = await openEngine(path, await loadSqlite());
  engine.exec("pragma foreign_keys = off; pragma ignore_check_constraints = on");
  const tables = engine
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    .all();
  let written = 0;
  for (const { name } of tables as { name: string }[]) {
    const columns = engine.prepare(`pragma table_info("${name}")`).all() as unknown as ColumnInfo[];
    const insert = engine.prepare(`insert or ignore into "${name}" values (${columns.map(() => "?").join(", ")})`);
    for (let row = 0; row < rowsPerTable; ++row) {
      const values = columns.map(({ notnull }) => {
        const value = poison[rng.integer(poison.length)]!;
        return value === null && notnull === 1 ? `odd ${row}` : value;
      });
      try {
        written += Number(insert.run(...values).changes);
      } catch (error) {
        // The key of a table that is its row's number takes no other: nobody could have written that either.
        if (!(error instanceof Error && error.message.includes("datatype mismatch"))) throw error;
      }
    }
  }
  engine.close();
  return written;
}

describe("a store with rows that no code of ours writes", () => {
  it.each([1, 2, 3, 4])(
    "opens, lists and shows what is sound, names the rest, and takes new runs: seed %i",
    async (seed) => {
      const path = join(folder, ".millrace");
      const first = await openStore(path, { clock });
      const sound = await runWorkflow({ ...eightSteps(() => {}), name: "sound" }, { store: first, clock });
      const before = await showRun(first, sound.runId);
      const digest = sound.steps[0]!.outputs.get("bytes")!;
      const verdict = { passed: true, reasons: [] };
      const registration = { model: "sound", digest, runId: sound.runId, metrics: {}, verdict, comparedWith: null };
      await createRegistry(first, clock).register(registration);
      await first.close();

      const written = await poisonTables(join(path, "metadata.sqlite"), 40, createRng(seed));
      expect(written).toBeGreaterThan(200);

      const store = await openStore(path, { clock });
      const registry = createRegistry(store, clock);
      expect((await listRuns(store, { limit: 1000 })).map((run) => run.runId)).toContain(sound.runId);
      expect(await showRun(store, sound.runId)).toEqual(before);
      expect((await registry.models()).map(({ model }) => model)).toContain("sound");
      expect(await registry.versions("sound")).toHaveLength(1);
      const again = await runWorkflow({ ...eightSteps(() => {}), seed: 5 }, { store, clock });
      expect(again.status).toBe("succeeded");
      await expect(collectGarbage(store, clock, { keepRuns: 1, dryRun: true })).resolves.toBeDefined();
      await store.close();
      expect((await verifyStore(path, clock)).faults.length).toBeGreaterThan(0);
    },
  );
});
