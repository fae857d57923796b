import { randomUUID } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Digest } from "../../core/digest.ts";
import { type MillraceError, toMillraceError } from "../../core/errors/error.ts";
import type { Model } from "../../model/model.ts";
import type { LabelledAnswer, LabelQuery } from "../../monitor/rollout/quality.ts";
import { sumOfTallies, type Tally } from "../../monitor/rollout/tally.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Rollout, Rollouts } from "../../registry/rollouts.ts";
import type { ModelSource, ServedModel } from "../model-source.ts";
import { repeatedLook, type RepeatedLook } from "../repeated-look.ts";
import { LiveRollout } from "./live-rollout.ts";
import type { Traffic } from "./traffic.ts";

export interface RolloutWatchOptions {
  readonly rollouts: Rollouts;
  readonly registry: Pick<Registry, "versions" | "champion" | "compatibility">;
  /** The champions this server answers with. */
  readonly models: ModelSource;
  /** Reads a model and checks its parity rows; a version that does not load gets no traffic. */
  load(digest: Digest): Promise<Model>;
  /** Labelled answers of a model, in the order in which the labels came. Default: there are none. */
  readonly labelled?: (model: string, query: LabelQuery) => Promise<readonly LabelledAnswer[]>;
  readonly clock: Clock;
  /** Time between looks. Default 500 ms. */
  readonly everyMs?: number;
  readonly onEvent?: (event: RolloutEvent) => void;
}

export type RolloutEvent =
  | { readonly kind: "begun" | "advanced" | "ended"; readonly rollout: Rollout; readonly reason: string }
  /** Rollouts, or one of them, cannot be followed; shares stay as they are. Said once until they can be again. */
  | { readonly kind: "unreadable"; readonly error: MillraceError };

export interface RolloutWatch extends Traffic {
  /** Looks now; resolves when all that was found is done. Never rejects. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** Follows the rollouts of a store, moves them on and ends them. Several servers may: each counts for itself, one of them acts. */
export async function watchRollouts(options: RolloutWatchOptions): Promise<RolloutWatch> {
  const watch = new Watch(options);
  await watch.refresh();
  watch.start();
  return watch;
}

/** What another attempt would not mend; where anything else fails (a network, a busy database), the next look tries again. */
function isFinal({ code }: MillraceError): boolean {
  return code.startsWith("MODEL_") || refusals.has(code);
}

const refusals: ReadonlySet<string> = new Set([
  "PROMOTION_REFUSED",
  "CONTRACT_INCOMPATIBLE",
  "APPROVAL_MISSING",
  "VERSION_ARCHIVED",
  "VERSION_NOT_FOUND",
  // Bytes that are gone or altered do not come back by asking again.
  "ARTIFACT_MISSING",
  "ARTIFACT_DAMAGED",
]);

class Watch implements RolloutWatch {
  readonly #options: RolloutWatchOptions;
  /** Of this server among those that count in a rollout. */
  readonly #server = randomUUID();
  readonly #followed = new Map<string, LiveRollout>();
  readonly #again: RepeatedLook;
  /** What could not be followed at the last look: models, or "" for the list of rollouts. */
  readonly #unreadable = new Set<string>();

  constructor(options: RolloutWatchOptions) {
    this.#options = options;
    this.#again = repeatedLook(() => this.#look(), options.everyMs);
  }

  of(served: ServedModel): LiveRollout | undefined {
    const { name } = served.model;
    const live = this.#followed.get(name);
    if (live?.rollout.champion !== served.version) return undefined;
    // Who names an alias gets the version at which it stands, though it is the champion's.
    return this.#options.models.get(name) === served ? live : undefined;
  }

  refresh(): Promise<void> {
    return this.#again.refresh();
  }

  /** Keeps what was counted last. */
  async stop(): Promise<void> {
    await this.#again.stop();
    for (const live of this.#followed.values())
      await this.#options.rollouts.keepTally(live.rollout, this.#server, live.own()).catch(() => {});
  }

  start(): void {
    this.#again.start();
  }

  #look(): Promise<void> {
    return this.#attempt("", async () => {
      const running = await this.#options.rollouts.running();
      const named = new Map(running.map((rollout) => [rollout.model, rollout]));
      for (const [model, live] of this.#followed)
        if (named.get(model)?.sequence !== live.rollout.sequence) await this.#leave(live.rollout);
      for (const model of this.#unreadable) if (!named.has(model)) this.#unreadable.delete(model);
      for (const rollout of running) await this.#attempt(rollout.model, () => this.#follow(rollout));
    });
  }

  /** Follows no more what somebody else ended: a person, or another server. */
  async #leave({ model, sequence }: Rollout): Promise<void> {
    this.#followed.delete(model);
    const ended = (await this.#options.rollouts.list(model)).find((one) => one.sequence === sequence);
    if (ended) this.#options.onEvent?.({ kind: "ended", rollout: ended, reason: ended.reason ?? "" });
  }

  /** Never rejects: what fails for one model is no reason to leave the others. */
  async #attempt(subject: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#unreadable.delete(subject);
    } catch (error) {
      if (!this.#unreadable.has(subject))
        this.#options.onEvent?.({ kind: "unreadable", error: toMillraceError(error) });
      this.#unreadable.add(subject);
    }
  }

  async #follow(rollout: Rollout): Promise<void> {
    const champion = await this.#options.registry.champion(rollout.model);
    if (champion?.version !== rollout.champion) {
      const isPromoted = champion?.version === rollout.version;
      const reason = isPromoted ? "it is the champion" : "another version became champion";
      return this.#end(rollout, isPromoted ? "promoted" : "stopped", reason);
    }
    const served = this.#options.models.get(rollout.model);
    // This server has not followed the last promotion yet.
    if (served?.version !== rollout.champion) return;
    const known = this.#followed.get(rollout.model);
    const followed = known ?? (await this.#open(rollout, served));
    if (followed) await this.#exchange(followed, rollout);
  }

  async #open(rollout: Rollout, champion: ServedModel): Promise<LiveRollout | undefined> {
    const versions = await this.#options.registry.versions(rollout.model);
    const { version, digest, metrics } = versions.find((one) => one.version === rollout.version)!;
    let model: Model;
    try {
      model = await this.#options.load(digest);
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (!isFinal(error)) throw error;
      await this.#end(rollout, "rolledBack", `it does not load (${error.code})`);
      return undefined;
    }
    const candidate = Object.freeze({ model, version, digest, metrics });
    const live = new LiveRollout(rollout, candidate, champion, () => void this.refresh());
    this.#followed.set(rollout.model, live);
    this.#options.onEvent?.({ kind: "begun", rollout, reason: rollout.plan.reason });
    return live;
  }

  async #exchange(live: LiveRollout, rollout: Rollout): Promise<void> {
    const { rollouts } = this.#options;
    await rollouts.keepTally(rollout, this.#server, live.own());
    const tallies = await rollouts.tallies(rollout);
    const others = [...tallies].filter(([server]) => server !== this.#server).map(([, tally]) => tally as Tally);
    const { clock, labelled } = this.#options;
    if (rollout.plan.kind === "canary" && labelled)
      await live.readLabels(rollout, clock, (query) => labelled(rollout.model, query));
    live.follow(rollout, sumOfTallies([...others, live.quality.tally()]));
    if (rollout.plan.kind === "canary") await this.#decide(live, rollout);
  }

  async #decide(live: LiveRollout, rollout: Rollout): Promise<void> {
    const { clock, rollouts } = this.#options;
    const { plan, stepsAt } = rollout;
    const alarm = live.alarm();
    if (alarm !== null) return this.#end(rollout, "rolledBack", `worse in ${alarm.test}`, { evidence: alarm.log });
    const [requests] = live.total()[live.step]?.["requests"] ?? [0, 0];
    if (clock.now() - stepsAt.at(-1)! < plan.bakeMs || requests < plan.minRequests) return;
    const next = plan.percents[stepsAt.length];
    if (next === undefined) return;
    if (next >= 100) return this.#promote(rollout);
    const reason = `no worse in ${requests} requests`;
    if (await rollouts.advance(rollout, { by: "millrace", reason }))
      this.#options.onEvent?.({ kind: "advanced", rollout, reason: `${next} % of requests: ${reason}` });
  }

  async #promote(rollout: Rollout): Promise<void> {
    const { registry, rollouts } = this.#options;
    const reason = "no worse at any step";
    try {
      const compatibility = await registry.compatibility(rollout.model, rollout.version);
      if (!(await rollouts.promote(rollout, compatibility, { by: "millrace", reason }))) return;
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (!isFinal(error)) throw error;
      return this.#end(rollout, "stopped", `it cannot be promoted (${error.code})`);
    }
    this.#forget(rollout, "promoted", reason);
  }

  async #end(
    rollout: Rollout,
    status: Exclude<Rollout["status"], "running">,
    reason: string,
    details: { readonly evidence?: number } = {},
  ): Promise<void> {
    const isDone = await this.#options.rollouts.end(rollout, status, {
      by: "millrace",
      reason,
      details: { ...details },
    });
    if (isDone) this.#forget(rollout, status, reason);
  }

  #forget(rollout: Rollout, status: Rollout["status"], reason: string): void {
    this.#followed.delete(rollout.model);
    this.#options.onEvent?.({ kind: "ended", rollout: { ...rollout, status }, reason });
  }
}
