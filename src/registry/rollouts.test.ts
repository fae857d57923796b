import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import type { Store } from "../store/open.ts";
import { openRegistry } from "./registry.fixtures.ts";
import type { Registry } from "./registry.ts";
import { createRollouts } from "./rollouts.ts";
import type { Rollout, RolloutPlan, Rollouts } from "./rollouts.ts";

const clock = fixedClock(1_000);
const plan: RolloutPlan = {
  kind: "canary",
  percents: [5, 25, 100],
  bakeMs: 1000,
  minRequests: 10,
  key: "request",
  by: "ann",
  reason: "new prices",
  force: false,
};
const millrace = { by: "millrace", reason: "no worse" };
const compatible = { champion: 1, breaks: [] };
let store: Store;
let registry: Registry;
let rollouts: Rollouts;

beforeEach(async () => {
  const opened = await openRegistry(clock);
  ({ store, registry } = opened);
  rollouts = createRollouts(store, clock);
  for (const [bytes, passed] of [
    ["one", true],
    ["two", true],
    ["three", false],
  ] as const)
    await opened.register(bytes, { verdict: { passed, reasons: [] } });
  await registry.promote("prices", 1, { by: "ann", reason: "first" });
});
afterEach(() => store.close());

const start = (version: number, more: Partial<RolloutPlan> = {}): Promise<Rollout> =>
  rollouts.start("prices", version, { ...plan, ...more }, compatible);

describe("rollouts", () => {
  it("begin, go on and end, each in the audit log, which stays intact", async () => {
    const begun = await start(2);
    expect(begun).toMatchObject({ sequence: 1, version: 2, champion: 1, status: "running", stepsAt: [1_000] });
    expect(await rollouts.running()).toEqual([begun]);
    clock.advance(5_000);
    expect(await rollouts.advance(begun, millrace)).toBe(true);
    const [second] = await rollouts.running();
    expect(second!.stepsAt).toEqual([1_000, 6_000]);
    expect(await rollouts.end(second!, "rolledBack", { ...millrace, reason: "worse in errors" })).toBe(true);
    expect(await rollouts.running()).toEqual([]);
    expect(await rollouts.list("prices")).toMatchObject([
      { status: "rolledBack", endedAt: 6_000, reason: "worse in errors" },
    ]);
    const told = (await registry.history("prices"))
      .slice(-3)
      .map(({ actor, action, details }) => [
        actor,
        action,
        details["percent"] ?? details["status"] ?? details["champion"],
      ]);
    expect(told).toEqual([
      ["ann", "rollout", 1],
      ["millrace", "rolloutStep", 25],
      ["millrace", "rolloutEnd", "rolledBack"],
    ]);
    expect(await registry.verifyAudit()).toMatchObject({ intact: true });
  });

  it("are moved on by one of several servers that know the same", async () => {
    const begun = await start(2);
    const done = await Promise.all([rollouts.advance(begun, millrace), rollouts.advance(begun, millrace)]);
    expect(done.filter((isDone) => isDone)).toHaveLength(1);
    expect(await rollouts.end(begun, "rolledBack", millrace)).toBe(false);
    expect((await rollouts.running())[0]!.stepsAt).toHaveLength(2);
  });

  it("are refused where another is under way, and for what could not become champion", async () => {
    await expect(start(1)).rejects.toMatchObject({ code: "ROLLOUT_REFUSED" });
    await expect(start(3)).rejects.toMatchObject({ code: "PROMOTION_REFUSED" });
    await expect(start(9)).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    expect(await start(3, { kind: "shadow" })).toMatchObject({ version: 3 });
    await expect(start(2)).rejects.toMatchObject({
      code: "ROLLOUT_REFUSED",
      message: expect.stringContaining("version 3"),
    });
    await rollouts.end((await rollouts.running())[0]!, "stopped", millrace);
    expect(await start(3, { force: true })).toMatchObject({ sequence: 2 });
  });

  it("make their version champion and end, both or neither", async () => {
    const begun = await start(2);
    await rollouts.end(begun, "rolledBack", millrace);
    expect(await rollouts.promote(begun, compatible, millrace)).toBe(false);
    expect((await registry.champion("prices"))?.version).toBe(1);

    const again = await start(2);
    expect(await rollouts.promote(again, { ...compatible, champion: null }, millrace)).toBe(false);
    const breaks = [{ column: "rooms", rule: "max", before: "at most 9", after: "at most 5" }] as const;
    await expect(rollouts.promote(again, { champion: 1, breaks }, millrace)).rejects.toMatchObject({
      code: "CONTRACT_INCOMPATIBLE",
    });
    expect(await rollouts.running()).toEqual([again]);

    expect(await rollouts.promote(again, compatible, millrace)).toBe(true);
    expect((await registry.champion("prices"))?.version).toBe(2);
    expect(await rollouts.running()).toEqual([]);
    const told = (await registry.history("prices")).slice(-2).map(({ actor, action }) => [actor, action]);
    expect(told).toEqual([
      ["ann", "promote"],
      ["millrace", "rolloutEnd"],
    ]);
    expect(await registry.verifyAudit()).toMatchObject({ intact: true });
  });

  it("keep what each server counted, and leave out what was altered", async () => {
    const begun = await start(2);
    await rollouts.keepTally(begun, "a", [{ requests: [1, 2] }]);
    await rollouts.keepTally(begun, "b", [{ requests: [3, 4] }]);
    await rollouts.keepTally(begun, "a", [{ requests: [5, 6] }]);
    expect(await rollouts.tallies(begun)).toEqual(
      new Map([
        ["a", [{ requests: [5, 6] }]],
        ["b", [{ requests: [3, 4] }]],
      ]),
    );
    await store.database.updateTable("rollout_tallies").set({ tally: "[]" }).where("server", "=", "b").execute();
    expect([...(await rollouts.tallies(begun)).keys()]).toEqual(["a"]);
  });
});
