import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import type { Store } from "../store/open.ts";
import { openRegistry } from "./registry.fixtures.ts";
import type { Registry } from "./registry.ts";

const ann = { by: "ann", reason: "better" };
let store: Store;
let registry: Registry;

/** Three entries: as many versions. */
beforeEach(async () => {
  const opened = await openRegistry(fixedClock(1_000));
  ({ store, registry } = opened);
  for (const bytes of ["one", "two", "three"]) await opened.register(bytes);
});
afterEach(() => store.close());

describe("the audit log", () => {
  beforeEach(async () => {
    await registry.promote("prices", 1, ann);
    await registry.promote("prices", 2, ann);
  });

  it("is intact as it was written", async () => {
    expect(await registry.verifyAudit()).toEqual({ intact: true, entries: 5 });
  });

  it.each(["actor", "action", "subject", "details", "digest", "previous_digest"] as const)(
    "names the first entry whose %s was altered",
    async (column) => {
      await store.database
        .updateTable("audit")
        .set({ [column]: "{}" })
        .where("sequence", "=", 3)
        .execute();
      await store.database.updateTable("audit").set({ actor: "x" }).where("sequence", "=", 5).execute();
      expect(await registry.verifyAudit()).toMatchObject({ intact: false, sequence: 3 });
    },
  );

  it("names the first entry that was taken out", async () => {
    await store.database.deleteFrom("audit").where("sequence", "=", 2).execute();
    expect(await registry.verifyAudit()).toMatchObject({ intact: false, sequence: 2 });
  });

  it("shows that its end was cut off or the champion moved past it", async () => {
    await store.database.deleteFrom("audit").where("sequence", "=", 5).execute();
    expect(await registry.verifyAudit()).toMatchObject({ intact: false, reason: expect.stringContaining("prices") });
  });
});

describe("the end of the audit log", () => {
  it("shows that entries which moved no alias were cut off", async () => {
    await registry.tag("prices", 1, ["market", "north"], ann);
    expect(await registry.verifyAudit()).toEqual({ intact: true, entries: 4 });
    await store.database.deleteFrom("audit").where("sequence", "=", 4).execute();
    expect(await registry.verifyAudit()).toMatchObject({ intact: false, sequence: 4 });
  });

  it("shows by a digest noted elsewhere that seal and entries were cut together", async () => {
    await registry.tag("prices", 1, ["market", "north"], ann);
    const [, , third, last] = await registry.audit();
    await store.database.deleteFrom("audit").where("sequence", "=", 4).execute();
    await store.database.updateTable("seals").set({ digest: third!.digest }).where("subject", "=", "audit").execute();
    expect(await registry.verifyAudit()).toMatchObject({ intact: true });
    expect(await registry.verifyAudit(third!.digest)).toMatchObject({ intact: true });
    expect(await registry.verifyAudit(last!.digest)).toMatchObject({ intact: false, sequence: 4 });
  });

  it("names the first of two entries that changed places", async () => {
    for (const [from, to] of [
      [2, -1],
      [3, 2],
      [-1, 3],
    ] as const)
      await store.database.updateTable("audit").set({ sequence: to }).where("sequence", "=", from).execute();
    expect(await registry.verifyAudit()).toMatchObject({ intact: false, sequence: 2 });
  });
});
