import { afterEach, describe, expect, it } from "vitest";
import { housesModel } from "../../test/serve/served-models.ts";
import { fixedClock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Model } from "../model/model.ts";
import { watchChampions } from "./champions.ts";
import type { ChampionEvent, ChampionWatch, ChampionWatchOptions } from "./champions.ts";

let watch: ChampionWatch | null = null;
afterEach(async () => {
  await watch?.stop();
  watch = null;
});

interface World {
  champion: number | null;
  readonly broken: Set<Digest>;
  readonly loads: Digest[];
  readonly events: ChampionEvent[];
  isReadable: boolean;
  readonly clock: ReturnType<typeof fixedClock>;
}

async function begin(champion: number | null, more: Partial<ChampionWatchOptions> = {}): Promise<World> {
  const world: World = { champion, broken: new Set(), loads: [], events: [], isReadable: true, clock: fixedClock() };
  const load = (digest: Digest): Promise<Model> => {
    world.loads.push(digest);
    if (world.broken.has(digest))
      return Promise.reject(new MillraceError("MODEL_PARITY_BROKEN", { row: 0, expected: "1", actual: "2" }));
    const found = [1, 2, 3].map(housesModel).find((served) => served.digest === digest)!;
    return Promise.resolve(found.model);
  };
  const registry: ChampionWatchOptions["registry"] = {
    models() {
      if (!world.isReadable) return Promise.reject(new Error("database is locked"));
      return Promise.resolve([{ model: "houses", champion: world.champion }]);
    },
    champion: () => Promise.resolve(world.champion === null ? null : housesModel(world.champion)),
  };
  const onEvent = (event: ChampionEvent): void => void world.events.push(event);
  watch = await watchChampions({ registry, load, clock: world.clock, everyMs: 3_600_000, onEvent, ...more });
  return world;
}

const live = (): number | undefined => watch!.get("houses")?.version;

describe("watchChampions", () => {
  it("has every champion live when it resolves, and lists them", async () => {
    const world = await begin(1);
    expect(live()).toBe(1);
    expect(watch!.list().map(({ model }) => model.name)).toEqual(["houses"]);
    expect(watch!.get("toString")).toBeUndefined();
    expect(world.events).toEqual([{ kind: "live", model: "houses", version: 1, replaced: null }]);
  });

  it("swaps to a new champion and back, loading only what is not live", async () => {
    const world = await begin(1);
    const swapped: number[] = [];
    watch!.onChange((served) => swapped.push(served.version));
    for (const version of [1, 2, 2, 1]) {
      world.champion = version;
      await watch!.refresh();
      expect(live()).toBe(version);
    }
    expect(swapped).toEqual([2, 1]);
    expect(world.loads).toHaveLength(3);
  });

  it("looks by itself at its interval", async () => {
    const world = await begin(1, { everyMs: 2 });
    world.champion = 2;
    await expect.poll(live).toBe(2);
  });

  it("keeps the old version where the new one does not load, says so once, and tries again later", async () => {
    const world = await begin(1);
    world.broken.add(housesModel(2).digest);
    world.champion = 2;
    for (let i = 0; i < 5; ++i) await watch!.refresh();
    expect(live()).toBe(1);
    expect(world.loads).toHaveLength(2);
    expect(world.events.slice(1)).toMatchObject([
      { kind: "refused", version: 2, error: { code: "MODEL_PARITY_BROKEN" } },
    ]);
    world.clock.advance(1001);
    await watch!.refresh();
    expect(world.events).toHaveLength(2);
    world.broken.clear();
    world.clock.advance(2001);
    await watch!.refresh();
    expect(live()).toBe(2);
  });

  it("passes over a broken version when a later one comes", async () => {
    const world = await begin(1);
    world.broken.add(housesModel(2).digest);
    world.champion = 2;
    await watch!.refresh();
    world.champion = 3;
    await watch!.refresh();
    expect(live()).toBe(3);
  });

  it("goes on with what is live while the registry cannot be read", async () => {
    const world = await begin(1);
    world.isReadable = false;
    await watch!.refresh();
    await watch!.refresh();
    expect(live()).toBe(1);
    expect(world.events.map(({ kind }) => kind)).toEqual(["live", "unreadable"]);
    world.isReadable = true;
    world.champion = 2;
    await watch!.refresh();
    expect(live()).toBe(2);
  });

  it("withdraws a model that has no champion any more", async () => {
    const world = await begin(1);
    world.champion = null;
    await watch!.refresh();
    expect([live(), watch!.list()]).toEqual([undefined, []]);
    expect(world.events.at(-1)).toEqual({ kind: "withdrawn", model: "houses", version: 1 });
  });
});
