import { expect, it } from "vitest";
import { fixedClock, systemClock } from "../core/clock.ts";
import type { StoreHooks } from "./hooks.ts";
import { keepLease, listLeases, nextInOrder, releaseLease, requireFence, takeLease, watchLeases } from "./leases.ts";
import type { Store } from "./open.ts";
import { interruptOrphans, settleLeases } from "./orphans.ts";
import { runOf } from "./store.fixtures.ts";

const clock = fixedClock(1_000);

/** What every store does with leases and with runs whose holders are silent. */
export function describeLeases(store: () => Store, open: (hooks?: StoreHooks) => Promise<Store>): void {
  const take = (from: Store, resource: string) =>
    from.database.transaction().execute((transaction) => takeLease(transaction, resource));
  const insert = ({ database }: Store, run: ReturnType<typeof runOf>) => database.insertInto("runs").values(run);

  it("gives each lease a larger number, whoever asks", async () => {
    const stores = [store(), await open(), await open()];
    const numbers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => stores[i % 3]!.database.transaction().execute(nextInOrder)),
    );
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  it("refuses what the holder of an earlier lease writes, however close the race", async () => {
    const other = await open();
    await insert(store(), runOf("r", 0)).execute();
    for (let round = 0; round < 10; ++round) {
      const fence = await take(store(), "run:r");
      const tag = store()
        .database.insertInto("tags")
        .values({ run_id: "r", tag: `t${round}`, value: "v" });
      const [written, taken] = await Promise.allSettled([store().write([tag], fence), take(other, "run:r")]);
      expect(taken.status).toBe("fulfilled");
      if (written.status === "rejected") expect(written.reason).toMatchObject({ code: "FENCED" });
      const late = store()
        .database.insertInto("tags")
        .values({ run_id: "r", tag: `late${round}`, value: "v" });
      await expect(store().write([late], fence)).rejects.toMatchObject({ code: "FENCED" });
      const checked = store()
        .database.transaction()
        .execute((transaction) => requireFence(transaction, fence));
      await expect(checked).rejects.toMatchObject({ code: "FENCED" });
    }
    const late = await store().database.selectFrom("tags").selectAll().where("tag", "like", "late%").execute();
    expect(late).toEqual([]);
  });

  it("beats for a lease and hears when another took it", async () => {
    const fence = await take(store(), "gc");
    const lost = new Promise<void>((resolve) => void keepLease(store(), fence, resolve));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect((await listLeases(store().database))[0]?.beat).toBeGreaterThanOrEqual(1);
    const next = await take(await open(), "gc");
    await lost;
    await store()
      .database.transaction()
      .execute((transaction) => releaseLease(transaction, fence));
    expect((await listLeases(store().database)).map(({ token }) => token)).toEqual([next.token]);
  });

  it("judges a holder on another host by its heartbeat alone, and its run goes when it is silent", async () => {
    const time = fixedClock(0);
    const { database } = store();
    await insert(store(), runOf("far", 0, { pid: process.pid })).execute();
    const lease = { token: 1, beat: 0, host: "elsewhere", pid: process.pid, process_started: "1" };
    await database
      .insertInto("leases")
      .values({ resource: "run:far", ...lease })
      .execute();
    const watch = watchLeases(time.monotonic, { here: 5_000, elsewhere: 30_000 });
    const look = (): Promise<string[]> => interruptOrphans(database, clock, watch);
    expect(await look()).toEqual([]);
    time.advance(29_000);
    await database.updateTable("leases").set({ beat: 1 }).execute();
    expect(await look()).toEqual([]);
    time.advance(29_999);
    expect(await look()).toEqual([]);
    time.advance(1);
    expect(await look()).toEqual(["far"]);
    expect(await database.selectFrom("runs").select(["status", "finished_at"]).execute()).toEqual([
      { status: "interrupted", finished_at: 1_000 },
    ]);
    expect(await listLeases(database)).toEqual([]);
  });

  it("gives up what silent holders on other machines held, and leaves what the living hold", async () => {
    const { database } = store();
    await database.insertInto("runs").values(runOf("far", 0)).execute();
    const far = { beat: 0, host: "elsewhere", pid: process.pid, process_started: "1" };
    const held = ["run:far", "gc", "backup:1"].map((resource, i) => ({ resource, token: 100 + i, ...far }));
    await database.insertInto("leases").values(held).execute();
    const living = keepLease(store(), { resource: "backup:1", token: 102 }, () => {});
    await settleLeases(database, systemClock, { here: 700, elsewhere: 700 });
    living.stop();
    expect((await listLeases(database)).map(({ resource }) => resource)).toEqual(["backup:1"]);
    expect(await database.selectFrom("runs").select("status").execute()).toEqual([{ status: "interrupted" }]);
  });
}
