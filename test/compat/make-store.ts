/**
 * Writes store-N.json, N being the store's format of today: the rows and artifacts of a small store: a run, one that failed,
 * one tracked, two versions of a model; the files of its small artifacts were not synced yet. It is run once for a format whose
 * stores are worth keeping, and never over a file that is there: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-store.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import type { Step, Workflow } from "../../src/engine/step.ts";
import { startTracking } from "../../src/engine/tracking.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { migrations } from "../../src/store/migrations.ts";
import { openStore } from "../../src/store/open.ts";
import type { Database } from "../../src/store/schema.ts";

const codec = {
  type: "json",
  format: 1,
  write: async (value: string, path: string) => writeFileSync(path, JSON.stringify(value)),
  read: async () => "",
};
const step = (name: string, inputs: readonly string[], text: string | null): Step => ({
  name,
  inputs,
  outputs: ["text"],
  params: { text },
  code: "1",
  async run(context) {
    if (text === null) throw new Error("it fails");
    await context.write("text", codec, text);
    context.record({ length: text.length });
  },
});
const workflow = (second: string | null): Workflow => ({
  name: "two",
  seed: 5,
  steps: [step("first", [], "one"), step("second", ["first.text"], second)],
});

const folder = mkdtempSync(join(tmpdir(), "millrace-"));
const store = await openStore(folder, { clock });
const good = await runWorkflow(workflow("two"), { store, clock });
// They go a second later.
const unsynced = await store.database.selectFrom("unsynced").selectAll().execute();
await runWorkflow(workflow(null), { store, clock });
const tracked = await startTracking(store, clock, { name: "net", params: { depth: 3 }, tags: { team: "red" } });
for (let i = 0; i < 3; ++i) tracked.metric("loss", 1 / (1 + i));
await tracked.finish(null);
const registry = createRegistry(store, clock);
for (const { outputs } of good.steps) {
  const { version } = await registry.register({
    model: "prices",
    digest: outputs.get("text")!,
    runId: good.runId,
    metrics: { r2: 0.5 },
    verdict: { passed: true, reasons: [] },
    comparedWith: null,
  });
  await registry.promote("prices", version, { by: "ann", reason: "better" });
}
const tables = [
  "counters runs artifacts steps step_inputs step_outputs step_logs step_settings metrics params cache_entries",
  "versions judgements aliases audit tags series seals",
];
const rows: Record<string, unknown> = { unsynced };
for (const table of tables.join(" ").split(" ")) {
  rows[table] = await store.database
    .selectFrom(table as keyof Database)
    .selectAll()
    .execute();
}
const artifacts: Record<string, string> = {};
for (const { digest } of await store.database.selectFrom("artifacts").select("digest").execute())
  artifacts[digest] = Buffer.from(await store.artifacts.readBytes(digest)).toString("base64");
const text = JSON.stringify({ format: migrations.length, rows, artifacts }, null, 1);
writeFileSync(new URL(`store-${migrations.length}.json`, import.meta.url), `${text}\n`, { flag: "wx" });
await store.close();
rmSync(folder, { recursive: true });
