import pg from "pg";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { createRng } from "../../src/core/rng.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { watchLeases } from "../../src/store/leases.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { interruptOrphans } from "../../src/store/orphans.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { compileChild, disturb, startChild, type CompiledChild, type Ended } from "../crash/children.ts";
import { expectLikeUnkilled } from "../crash/like-unkilled.ts";
import { eightSteps } from "../crash/workflow.ts";
import { startPostgres } from "./start/postgres.ts";

const server = await startPostgres();
const before = process.env["MILLRACE_STORE"];
const seconds = Number(process.env["MILLRACE_CRASH_SECONDS"] ?? 10);

let root: string;
let folder: string;
let metadata: string;
let child: CompiledChild;
let counter = 0;
beforeAll(async () => {
  child = compileChild();
  root = await mkdtemp(join(tmpdir(), "millrace-pg-crash-"));
});
beforeEach(() => {
  folder = join(root, `${++counter}`, ".millrace");
  metadata = `${server?.url}?schema=crash_${counter}`;
  process.env["MILLRACE_STORE"] = metadata;
});
afterAll(async () => {
  delete process.env["MILLRACE_STORE"];
  if (before !== undefined) process.env["MILLRACE_STORE"] = before;
  child.remove();
  await server?.stop();
  await rm(root, { recursive: true, force: true });
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What processes said they had committed is there, and no step was committed twice. */
async function expectKept({ database }: Store, ended: readonly Ended[]): Promise<number> {
  const finished = ended.flatMap(({ lines }) => lines).filter((line) => line.startsWith("finished "));
  const rows = await database.selectFrom("step_outputs").select(["run_id", "step", "digest"]).distinct().execute();
  const kept = new Set(rows.map(({ run_id, step, digest }) => `finished ${run_id} ${step} ${digest}`));
  expect(finished.filter((line) => !kept.has(line))).toEqual([]);
  expect(new Set(rows.map(({ run_id, step }) => `${run_id} ${step}`)).size).toBe(rows.length);
  const ran = await database.selectFrom("steps").select(["run_id", "step"]).where("status", "=", "ran").execute();
  expect(new Set(ran.map(({ run_id, step }) => `${run_id} ${step}`)).size).toBe(ran.length);
  return finished.length;
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server!.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

const cutAll = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace'`;

describe.skipIf(!server)("processes on one store in PostgreSQL", () => {
  it(
    `stay apart: 4 for ${seconds} s, stopped and killed at random`,
    { timeout: 90_000 + seconds * 3_000 },
    async () => {
      const rng = createRng(clock.now() % 1_000_000);
      await (await openStore(folder, { clock, metadata })).close();
      const endMs = clock.monotonic() + seconds * 1_000;
      const places = Array.from({ length: 4 }, (_, i) => rng.fork(`process ${i}`));
      const ended = (await Promise.all(places.map((own) => disturb(child.path, ["soak", folder], own, endMs)))).flat();
      const said = ended.filter(({ signal }) => signal !== "SIGKILL").map(({ code, errors }) => ({ code, errors }));
      expect(said).toEqual(said.map(() => ({ code: 0, errors: "" })));
      const store = await openStore(folder, { clock, metadata });
      const finished = await expectKept(store, ended);
      const runs = await listRuns(store, { limit: 10_000 });
      console.log(`${runs.length} runs, ${finished} steps committed, ${ended.length} processes`);
      for (const { runId } of runs.filter((run) => run.attempt > 1 && run.status === "succeeded").slice(0, 3)) {
        await expectLikeUnkilled(store, runId);
      }
      await store.close();
      expect((await verifyStore(folder, clock, undefined, { metadata })).faults).toEqual([]);
    },
  );

  it("go on where the server ends their connections between two steps, as after a restart", async () => {
    const store = await openStore(folder, { clock, metadata });
    const workflow = eightSteps(async (step) => {
      if (step === "step-2" || step === "step-5") await administer(cutAll);
    });
    expect((await runWorkflow(workflow, { store, clock })).error).toBeNull();
    await store.close();
    expect((await verifyStore(folder, clock, undefined, { metadata })).faults).toEqual([]);
  });

  it("say that the server is gone, and the run goes on once it is back", async () => {
    const running = startChild(child.path, ["slow", folder, "step-4"]);
    await running.said("holding step-4");
    const shut = "alter database postgres allow_connections false";
    const other = new pg.Client({ connectionString: server!.url.replace("/postgres", "/template1") });
    await other.connect();
    await other.query(shut);
    await other.query(cutAll);
    const { code, errors } = await running.ended;
    await other.query(shut.replace("false", "true"));
    await other.end();
    expect(code).toBe(1);
    expect(errors).toMatch(/STORE_(UNREACHABLE|DENIED)/);
    expect(errors).not.toContain("mill:mill");
    const store = await openStore(folder, { clock, metadata });
    const [run] = await listRuns(store);
    expect(run?.status).toBe("interrupted");
    const result = await runWorkflow(
      eightSteps(() => {}),
      { store, clock, resume: run!.runId },
    );
    expect(result).toMatchObject({ status: "succeeded", runId: run!.runId });
    await store.close();
  });

  it("are fenced off where they wake after another took over", async () => {
    const zombie = startChild(child.path, ["slow", folder, "step-2"]);
    await zombie.said("holding step-2");
    zombie.process.kill("SIGSTOP");
    const store = await openStore(folder, { clock, metadata });
    const watch = watchLeases(clock.monotonic, { here: 200, elsewhere: 60_000 });
    let found: string[] = [];
    while (found.length === 0) {
      await wait(25);
      found = await interruptOrphans(store.database, clock, watch);
    }
    const result = await runWorkflow(
      eightSteps(() => {}),
      { store, clock, resume: found[0]! },
    );
    expect(result.status).toBe("succeeded");
    const after = await showRun(store, found[0]!);
    zombie.process.kill("SIGCONT");
    const ended = await zombie.ended;
    expect([ended.code, ended.errors]).toEqual([1, expect.stringContaining("FENCED")]);
    expect(await showRun(store, found[0]!)).toEqual(after);
    await store.close();
  });
});
