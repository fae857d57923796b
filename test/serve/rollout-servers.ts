import { afterEach, beforeEach, expect } from "vitest";
import { fixedClock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { MillraceError } from "../../src/core/errors/error.ts";
import type { Model } from "../../src/model/model.ts";
import { createRegistry, type Registry } from "../../src/registry/registry.ts";
import { createRollouts, type Rollout, type RolloutPlan, type Rollouts } from "../../src/registry/rollouts.ts";
import type { AnsweredRows, PredictContext } from "../../src/serve/answer-rows.ts";
import { type ChampionWatch, watchChampions } from "../../src/serve/champions.ts";
import { defaultLimits } from "../../src/serve/limits.ts";
import { createMetrics } from "../../src/serve/metrics.ts";
import { answerAsked } from "../../src/serve/traffic/answer.ts";
import {
  type RolloutEvent,
  type RolloutWatch,
  type RolloutWatchOptions,
  watchRollouts,
} from "../../src/serve/traffic/watch-rollouts.ts";
import { openMemoryStore, type Store } from "../../src/store/open.ts";
import { addArtifact } from "../../src/store/store.fixtures.ts";
import { housesModel } from "./served-models.ts";

export const plan: RolloutPlan = {
  kind: "canary",
  percents: [25, 50, 100],
  bakeMs: 60_000,
  minRequests: 20,
  key: "request",
  by: "ann",
  reason: "",
  force: false,
};

/** Each test has its own of these. Of "houses" there are the champion 1, 2, 3, which is `narrow`, and 4, which does not load. */
export let clock: ReturnType<typeof fixedClock>;
export let registry: Registry;
export let rollouts: Rollouts;
let store: Store;
/** What `load` gives. */
export let models: Map<Digest, Model>;
let servers: RolloutServer[];

/** What answers requests for the model of a test's rollout. */
export interface RolloutServer {
  readonly predicting: PredictContext;
  readonly champions: ChampionWatch;
  readonly watch: RolloutWatch;
  readonly events: string[];
  /** Asks once; the version that answered, or the code of the refusal. */
  ask(rooms: number, headers?: Record<string, string>): number | string;
  /** Asks once, which nobody refuses. */
  answer(rooms: number): AnsweredRows;
}

/** Version 3 takes fewer rooms than the champion, so that it refuses what callers send. */
function narrow(model: Model): Model {
  const columns = model.contract.columns.map((one) => (one.name === "rooms" ? { ...one, max: 5 } : one));
  return { ...model, contract: { columns } };
}

beforeEach(async () => {
  clock = fixedClock(1_000_000);
  store = await openMemoryStore({ clock });
  registry = createRegistry(store, clock);
  rollouts = createRollouts(store, clock);
  models = new Map();
  servers = [];
  for (const version of [1, 2, 3, 4]) {
    const digest = await addArtifact(store, `version ${version}`);
    const { model } = housesModel(version);
    if (version < 4) models.set(digest, version === 3 ? narrow(model) : model);
    const verdict = { passed: true, reasons: [] };
    await registry.register({ model: "houses", digest, runId: "r", metrics: {}, verdict, comparedWith: null });
  }
  await registry.promote("houses", 1, { by: "ann", reason: "" });
});

afterEach(async () => {
  for (const { watch, champions } of servers) {
    await watch.stop();
    await champions.stop();
  }
  await store.close();
});

export async function load(digest: Digest): Promise<Model> {
  const model = models.get(digest);
  if (!model) throw new MillraceError("MODEL_FILE_DAMAGED", { subject: "it", reason: "cut short" });
  return model;
}

let ids = 0;

export async function startRolloutServer(
  more: Partial<PredictContext> = {},
  watching: Partial<RolloutWatchOptions> = {},
): Promise<RolloutServer> {
  const champions = await watchChampions({ registry, load, clock, everyMs: 1e9 });
  const events: string[] = [];
  const onEvent = (event: RolloutEvent): void =>
    void events.push(event.kind === "unreadable" ? event.kind : `${event.kind} ${event.reason}`);
  const watch = await watchRollouts({
    rollouts,
    registry,
    models: champions,
    load,
    clock,
    everyMs: 1e9,
    onEvent,
    ...watching,
  });
  const metrics = await createMetrics({ models: champions, log: null, inFlight: () => 0 });
  const context = { models: champions, log: null, clock, limits: defaultLimits, metrics, traffic: watch };
  const whole: PredictContext = { ...context, createId: () => `id-${++ids}`, ...more };
  const server: RolloutServer = {
    predicting: whole,
    champions,
    watch,
    events,
    answer(rooms) {
      const answered = answerAsked(
        whole,
        champions.get("houses")!,
        { rows: [{ rooms }], explain: false },
        { headers: {} },
      );
      if (answered.refused) throw new Error(answered.refused.code);
      return answered;
    },
    ask(rooms, headers = {}) {
      const answered = answerAsked(whole, champions.get("houses")!, { rows: [{ rooms }], explain: false }, { headers });
      if (answered.refused) return answered.refused.code;
      expect(answered.answers).toEqual([1000 * answered.served.version + rooms]);
      return answered.served.version;
    },
  };
  servers.push(server);
  return server;
}

export const begin = (version: number, more: Partial<RolloutPlan> = {}): Promise<Rollout> =>
  rollouts.start("houses", version, { ...plan, ...more }, { champion: 1, breaks: [] });

export const latest = async (): Promise<Rollout> => (await rollouts.list("houses"))[0]!;

/** How often each version answered, or each refusal. */
export function askMany(server: RolloutServer, n: number, rooms = 3): Map<number | string, number> {
  const counts = new Map<number | string, number>();
  for (let i = 0; i < n; ++i) {
    const answer = server.ask(rooms);
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return counts;
}
