import pg from "pg";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock, systemClock, type Clock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { storeConformance } from "../../src/store/conformance.fixtures.ts";
import { parseMetadataAddress } from "../../src/store/metadata-address.ts";
import { openStore } from "../../src/store/open.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { eightSteps } from "../crash/workflow.ts";
import { startPostgres } from "./start/postgres.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

let counter = 0;

async function execute(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server!.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

describe.skipIf(!server)("metadata on a server", () => {
  storeConformance("with its metadata in PostgreSQL", async () => {
    const schema = `conformance_${++counter}`;
    const folder = await mkdtemp(join(tmpdir(), "millrace-pg-"));
    return {
      open: (hooks) =>
        openStore(join(folder, ".millrace"), {
          clock: fixedClock(1_000),
          metadata: `${server!.url}?schema=${schema}`,
          ...(hooks ? { hooks } : {}),
        }),
      setFormat: (format) => execute(`update ${schema}.store_format set format = ${format}`),
      end: () => rm(folder, { recursive: true, force: true }),
    };
  });

  describe("by several at once", () => {
    let folder: string;
    let options: { readonly clock: Clock; readonly metadata: string };
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "millrace-pg-"));
      options = { clock: systemClock, metadata: `${server!.url}?schema=several_${++counter}` };
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    it("is made once by several that find no schema", async () => {
      const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(folder, options)));
      await Promise.all(stores.map((store, i) => store.memo.set(`k${i}`, i)));
      expect(await Promise.all(stores.map((_, i) => stores[0]!.memo.get(`k${i}`)))).toEqual([0, 1, 2, 3, 4]);
      await Promise.all(stores.map((store) => store.close()));
    });

    it("gives the lock of a writer that stands still to the next, and nothing of the first remains", async () => {
      const [slow, next] = [await openStore(folder, options), await openStore(folder, options)];
      const standing = slow.database.transaction().execute(async (transaction) => {
        await transaction.updateTable("counters").set({ value: 99, twin: -99 }).execute();
        await new Promise((resolve) => setTimeout(resolve, 17_000));
        await transaction.updateTable("counters").set({ value: 98, twin: -98 }).execute();
      });
      const ended = expect(standing).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
      await new Promise((resolve) => setTimeout(resolve, 500));
      await next.memo.set("k", 1);
      await ended;
      expect((await next.database.selectFrom("counters").select("value").executeTakeFirst())?.value).toBe(0);
      await slow.memo.set("k", 2);
      expect(await next.memo.get("k")).toBe(2);
      await slow.close();
      await next.close();
    });

    it.each([
      ["a metric", "update metrics set value = 0.9", "run r"],
      ["a run's record", "update runs set status = 'failed' where id = 'r'", "run r"],
      ["the counter", "update counters set value = 7", "postgres://"],
      ["a table", "create table more (a text)", "postgres://"],
      ["a reference", "set session_replication_role = replica; delete from artifacts", "postgres://"],
    ])("finds %s altered behind its back", async (_, sql, subject) => {
      const store = await openStore(folder, options);
      const result = await runWorkflow(
        eightSteps(() => {}),
        { store, clock: systemClock },
      );
      const { runId } = result;
      const { schema } = parseMetadataAddress(options.metadata);
      const check = (): ReturnType<typeof verifyStore> =>
        verifyStore(folder, systemClock, undefined, { metadata: options.metadata });
      expect(await check()).toMatchObject({ faults: [], runs: 1, artifacts: 8 });
      await execute(`set search_path to ${schema}; ${sql.replace("'r'", `'${runId}'`)}`);
      const subjects = (await check()).faults.map((fault) => fault.subject);
      expect(subjects.some((found) => found.startsWith(subject === "run r" ? `run ${runId}` : subject))).toBe(true);
      await store.close();
    });

    it("goes on checking after a check that failed, and takes a missing reference for none", async () => {
      const store = await openStore(folder, options);
      const { runId } = await runWorkflow(
        eightSteps(() => {}),
        { store, clock: systemClock },
      );
      const { schema } = parseMetadataAddress(options.metadata);
      const check = (): ReturnType<typeof verifyStore> =>
        verifyStore(folder, systemClock, undefined, { metadata: options.metadata });
      await execute(`insert into ${schema}.forgotten select digest, null, 1 from ${schema}.artifacts limit 1`);
      expect(await check()).toMatchObject({ faults: [], runs: 1, artifacts: 7 });
      await execute(`set search_path to ${schema}; drop table memo; update metrics set value = 0.9`);
      const found = await check();
      const place = expect.stringContaining("postgres://");
      expect(found).toMatchObject({ runs: 1, artifacts: 7 });
      expect(found.faults.map(({ subject }) => subject)).toEqual([place, place, `run ${runId}`]);
      await store.close();
    });
  });
});
