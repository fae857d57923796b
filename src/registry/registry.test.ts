import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import type { ContractColumn } from "../frame/contract.ts";
import type { Store } from "../store/open.ts";
import { openRegistry, type OpenRegistry } from "./registry.fixtures.ts";
import { createRegistry, type Registry } from "./registry.ts";
import { createRollouts } from "./rollouts.ts";
import type { ModelState } from "./state.ts";

const clock = fixedClock(1_000);
const ann = { by: "ann", reason: "better" };
let store: Store;
let registry: Registry;
let register: OpenRegistry["register"];

beforeEach(async () => {
  ({ store, registry, register } = await openRegistry(clock));
});
afterEach(() => store.close());

/** Three versions, all that passed their gate. */
async function registerThree(): Promise<void> {
  for (const bytes of ["one", "two", "three"]) await register(bytes);
}

describe("registering", () => {
  it("numbers versions by model from 1 and remembers what the gate said", async () => {
    const first = await register("one", { metrics: { r2: 0.8, mape: Number.NaN } });
    expect(first).toMatchObject({
      model: "prices",
      version: 1,
      runId: "20260102-030405-ab12",
      createdAt: 1_000,
      metrics: { r2: 0.8, mape: Number.NaN },
      gatePassed: true,
      verdict: { passed: true, reasons: [{ rule: "atLeast" }] },
      comparedWith: null,
    });
    expect(await register("two", { comparedWith: first.digest })).toMatchObject({
      version: 2,
      comparedWith: first.digest,
    });
    expect(await register("one", { model: "spam" })).toMatchObject({ model: "spam", version: 1 });
    expect(await registry.models()).toEqual([
      { model: "prices", versions: 2, champion: null, challenger: 2 },
      { model: "spam", versions: 1, champion: null, challenger: 1 },
    ]);
  });

  it("gives the same digest the same version, without another entry in the log", async () => {
    await register("one");
    await register("two");
    expect(await register("one", { runId: "another" })).toMatchObject({ version: 1, runId: "20260102-030405-ab12" });
    expect(await registry.versions("prices")).toHaveLength(2);
    expect(await registry.history("prices")).toHaveLength(2);
  });

  it("takes a new verdict on a known version: what one gate refused another may pass", async () => {
    await register("one", { verdict: { passed: false, reasons: [] } });
    await expect(registry.promote("prices", 1, ann)).rejects.toMatchObject({ code: "PROMOTION_REFUSED" });
    expect(await register("one")).toMatchObject({ version: 1, gatePassed: true });
    await registry.promote("prices", 1, ann);
    expect((await registry.history("prices")).map((entry) => entry.action)).toEqual(["register", "judge", "promote"]);
  });

  it("numbers versions without gaps when several register at once", async () => {
    const versions = await Promise.all(["a", "b", "c", "d", "e"].map((bytes) => register(bytes)));
    expect(versions.map((version) => version.version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
    expect(await registry.verifyAudit()).toEqual({ intact: true, entries: 5 });
  });

  it("refuses a model that is not in the store", async () => {
    const digest: Digest = `sha256:${"0".repeat(64)}`;
    await expect(register("one", { digest })).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
  });
});

describe("promoting", () => {
  it("makes a version the champion, and no longer the challenger", async () => {
    await registerThree();
    expect(await registry.champion("prices")).toBeNull();
    expect(await registry.promote("prices", 3, ann)).toMatchObject({ version: 3 });
    expect(await registry.champion("prices")).toMatchObject({ version: 3 });
    expect(await registry.models()).toMatchObject([{ champion: 3, challenger: null }]);
    expect((await registry.history("prices")).at(-1)).toMatchObject({
      actor: "ann",
      action: "promote",
      details: { version: 3, previous: null, reason: "better", forced: false },
    });
  });

  it("refuses a version whose gate failed, unless forced with a reason", async () => {
    await register("one", { verdict: { passed: false, reasons: [] } });
    const attempt = (force: boolean, reason: string): Promise<unknown> =>
      registry.promote("prices", 1, { by: "ann", reason, force });
    await expect(attempt(false, "please")).rejects.toMatchObject({ code: "PROMOTION_REFUSED", exitCode: 3 });
    await expect(attempt(true, " ")).rejects.toMatchObject({ code: "PROMOTION_REFUSED" });
    await attempt(true, "the gate's limit was a typing error");
    expect((await registry.history("prices")).at(-1)?.details["forced"]).toBe(true);
  });

  it("logs nothing when the version is the champion already", async () => {
    await register("one");
    await registry.promote("prices", 1, ann);
    await registry.promote("prices", 1, ann);
    expect(await registry.history("prices")).toHaveLength(2);
  });

  it("of two versions at once happens one after the other, and the log says in which order", async () => {
    await registerThree();
    const done = await Promise.all([3, 2, 3].map((version) => registry.promote("prices", version, ann)));
    expect(done.map(({ version }) => version)).toEqual([3, 2, 3]);
    const moves = (await registry.history("prices")).filter(({ action }) => action === "promote");
    const path = moves.map(({ details }) => [details["previous"], details["version"]]);
    expect(path[0]![0]).toBeNull();
    for (let i = 1; i < path.length; ++i) expect(path[i]![0]).toBe(path[i - 1]![1]);
    expect(await registry.champion("prices")).toMatchObject({ version: path.at(-1)![1] });
    expect(await registry.verifyAudit()).toMatchObject({ intact: true });
  });

  it("names what it does not know", async () => {
    await register("one");
    await expect(registry.promote("price", 1, ann)).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      remedy: 'Did you mean "prices"?',
    });
    await expect(registry.promote("prices", 7, ann)).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    await expect(registry.champion("nothing")).rejects.toMatchObject({ code: "MODEL_NOT_FOUND" });
  });
});

describe("rolling back", () => {
  it("goes back one champion at a time, and forward again by promoting", async () => {
    await registerThree();
    for (const version of [1, 2, 3]) await registry.promote("prices", version, ann);
    expect(await registry.rollback("prices", ann)).toMatchObject({ version: 2 });
    expect(await registry.rollback("prices", ann)).toMatchObject({ version: 1 });
    expect(await registry.champion("prices")).toMatchObject({ version: 1 });
    await registry.promote("prices", 3, ann);
    expect(await registry.rollback("prices", ann)).toMatchObject({ version: 1 });
  });

  it("is impossible without a champion before the present one", async () => {
    await register("one");
    await expect(registry.rollback("prices", ann)).rejects.toMatchObject({
      code: "ROLLBACK_IMPOSSIBLE",
      message: expect.stringContaining("no champion"),
    });
    await registry.promote("prices", 1, ann);
    await expect(registry.rollback("prices", ann)).rejects.toMatchObject({
      code: "ROLLBACK_IMPOSSIBLE",
      message: expect.stringContaining("first champion"),
    });
  });
});

describe("archiving and tagging", () => {
  it("never makes an archived version champion, by promotion or by rollback, and archives no champion", async () => {
    await registerThree();
    for (const version of [1, 2]) await registry.promote("prices", version, ann);
    await expect(registry.archive("prices", 2, ann)).rejects.toMatchObject({ code: "ARCHIVE_REFUSED" });
    await registry.archive("prices", 1, ann);
    await registry.archive("prices", 1, ann);
    const force = { ...ann, force: true };
    await expect(registry.promote("prices", 1, force)).rejects.toMatchObject({ code: "VERSION_ARCHIVED" });
    await expect(registry.rollback("prices", ann)).rejects.toMatchObject({ code: "VERSION_ARCHIVED" });
    expect(await registry.champion("prices")).toMatchObject({ version: 2 });
    expect((await registry.history("prices")).filter(({ action }) => action === "archive")).toHaveLength(1);
  });

  it("sets a tag, replaces it and takes it off", async () => {
    await register("one");
    const tags = async (): Promise<object> => (await registry.stateAt(clock.now()))[0]!.versions[0]!.tags;
    await registry.tag("prices", 1, ["market", "north"], ann);
    await registry.tag("prices", 1, ["market", "south"], ann);
    expect(await tags()).toEqual({ market: "south" });
    await registry.tag("prices", 1, ["market", null], ann);
    expect(await tags()).toEqual({});
  });
});

describe("the registry at a time", () => {
  it("is what it was, whatever came after", async () => {
    let now = 1;
    await store.close();
    ({ store, registry, register } = await openRegistry({ ...clock, now: () => now }));
    const states = [];
    const moves = [
      () => register("one"),
      () => registry.promote("prices", 1, ann),
      () => register("two", { verdict: { passed: false, reasons: [] } }),
      () => registry.promote("prices", 2, { ...ann, force: true }),
      () => registry.archive("prices", 1, ann),
    ];
    for (const move of moves) {
      await move();
      states.push(await registry.stateAt(now));
      now += 10;
    }
    for (const [i, state] of states.entries()) expect(await registry.stateAt(1 + 10 * i + 9)).toEqual(state);
    expect(await registry.stateAt(0)).toEqual([]);
    expect(states.map(([model]) => model!.champion)).toEqual([null, 1, 1, 2, 2]);
    expect(states[4]![0]!.versions).toMatchObject([
      { version: 1, gatePassed: true, isArchived: true },
      { version: 2, gatePassed: false, isArchived: false },
    ]);
  });
});

describe("what answered at a time", () => {
  it("are aliases and the share of a rollout, too", async () => {
    let now = 0;
    const ticking = { ...clock, now: () => ++now };
    await store.close();
    ({ store, registry, register } = await openRegistry(ticking));
    const rollouts = createRollouts(store, ticking);
    await registerThree();
    await registry.promote("prices", 1, ann);
    const plan = { kind: "canary", percents: [5, 25, 100], bakeMs: 0, minRequests: 0, key: "request", ...ann } as const;
    const state = async (): Promise<ModelState> => (await registry.stateAt(now))[0]!;
    expect(await state()).toMatchObject({ aliases: {}, rollout: null });
    await registry.setAlias("prices", "stable", 1, ann);
    await registry.setAlias("prices", "old", 3, ann);
    const begun = await rollouts.start("prices", 2, { ...plan, force: false }, { champion: 1, breaks: [] });
    const between = now;
    expect(await state()).toMatchObject({
      aliases: { stable: 1, old: 3 },
      rollout: { version: 2, kind: "canary", percent: 5 },
    });
    await rollouts.advance(begun, ann);
    expect((await state()).rollout).toEqual({ version: 2, kind: "canary", percent: 25 });
    await rollouts.end((await rollouts.running())[0]!, "rolledBack", ann);
    await registry.archive("prices", 3, ann);
    expect(await state()).toMatchObject({ champion: 1, aliases: { stable: 1 }, rollout: null });
    expect((await registry.stateAt(between))[0]).toMatchObject({ aliases: { old: 3 }, rollout: { percent: 5 } });
  });
});

describe("a promotion that would break callers", () => {
  const column = (name: string) => ({ name, kind: "number", missing: 0, onViolation: "fail" }) as const;

  it("is refused with every break, unless forced with a reason, which the log keeps", async () => {
    const names = new Map<Digest, readonly string[]>();
    const checked = createRegistry(store, clock, async (digest) => {
      const inputs = names.get(digest)!;
      return { contract: { columns: inputs.map(column) }, inputs };
    });
    names.set((await register("one")).digest, ["area", "rooms"]);
    names.set((await register("two")).digest, ["area", "age"]);
    await checked.promote("prices", 1, ann);
    await expect(checked.promote("prices", 2, ann)).rejects.toMatchObject({
      code: "CONTRACT_INCOMPATIBLE",
      context: {
        champion: 1,
        breaks: [
          { column: "rooms", rule: "removed" },
          { column: "age", rule: "required" },
        ],
      },
    });
    const silent = { by: "ann", reason: "", force: true };
    await expect(checked.promote("prices", 2, silent)).rejects.toMatchObject({ code: "CONTRACT_INCOMPATIBLE" });
    expect(await checked.champion("prices")).toMatchObject({ version: 1 });
    await checked.promote("prices", 2, { ...ann, force: true });
    expect((await checked.history("prices")).at(-1)?.details).toMatchObject({
      forced: true,
      reason: "better",
      breaks: [{ column: "rooms" }, { column: "age" }],
    });
  });

  it("is refused though it began before the champion came whose callers it would break", async () => {
    const columns = new Map<Digest, readonly ContractColumn[]>();
    let nAsking = 0;
    let askBoth: () => void;
    const bothAsk = new Promise<void>((resolve) => (askBoth = resolve));
    const checked = createRegistry(store, clock, async (digest) => {
      // Both promotions know the champion of before by then.
      if (++nAsking === 2) askBoth();
      await bothAsk;
      const own = columns.get(digest)!;
      return { contract: { columns: own }, inputs: own.map(({ name }) => name) };
    });
    const age = { ...column("age"), missing: 1 };
    columns.set((await register("one")).digest, [column("area")]);
    columns.set((await register("two")).digest, [column("area"), age]);
    columns.set((await register("three")).digest, [column("area")]);
    await checked.promote("prices", 1, ann);
    const both = await Promise.allSettled([2, 3].map((version) => checked.promote("prices", version, ann)));
    expect(both).toMatchObject([
      { status: "fulfilled", value: { version: 2 } },
      {
        status: "rejected",
        reason: {
          code: "CONTRACT_INCOMPATIBLE",
          context: { champion: 2, breaks: [{ column: "age", rule: "removed" }] },
        },
      },
    ]);
    expect(await checked.champion("prices")).toMatchObject({ version: 2 });
  });
});
