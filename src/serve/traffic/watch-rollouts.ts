import { randomUUID } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Digest } from "../../core/digest.ts";
import { type MillraceError, toMillraceError } from "../../core/errors/error.ts";
import type { Model } from "../../model/model.ts";
import { qualityTally, type LabelledAnswer } from "../../monitor/rollout/quality.ts";
import { sumOfTallies, type Tally } from "../../monitor/rollout/tally.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Rollout, Rollouts } from "../../registry/rollouts.ts";
import type { ModelSource, ServedModel } from "../model-source.ts";
import { LiveRollout } from "./live-rollout.ts";
import type { Traffic } from "./traffic.ts";

export interface RolloutWatchOptions {
  readonly rollouts: Rollouts;
  readonly registry: Pick<Registry, "versions" | "champion" | "promote">;
  /** The champions this server answers with. */
  readonly models: ModelSource;
  /** Reads a model and checks its parity rows; a version that does not load gets no traffic. */
  load(digest: Digest): Promise<Model>;
  /** Answers of a model since a time whose true values are known. */
  labelled(model: string, sinceMs: number): Promise<readonly LabelledAnswer[]>;
  readonly clock: Clock;
  /** Time between looks. Default 500 ms. */
  readonly everyMs?: number;
  /** Time between looks at labels. Default 10 s. */
  readonly labelsEveryMs?: number;
  readonly onEvent?: (event: RolloutEvent) => void;
}

export type RolloutEvent =
  | { readonly kind: "begun" | "advanced" | "ended"; readonly rollout: Rollout; readonly reason: string }
  /** The store could not be read or written; shares stay as they are. Said once until it can be again. */
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
  watch.schedule();
  return watch;
}

interface Followed {
  readonly live: LiveRollout;
  quality: Tally;
  /** Monotonic time of the last look at labels. */
  labelsAt: number;
}

class Watch implements RolloutWatch {
  readonly #options: RolloutWatchOptions;
  /** Of this server among those that count in a rollout. */
  readonly #server = randomUUID();
  readonly #followed = new Map<string, Followed>();
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isUnreadable = false;
  #isStopped = false;

  constructor(options: RolloutWatchOptions) {
    this.#options = options;
  }

  of(champion: ServedModel): LiveRollout | undefined {
    const live = this.#followed.get(champion.model.name)?.live;
    return live?.rollout.champion === champion.version ? live : undefined;
  }

  /** A look that is under way may have read the store already, so a caller waits for it and for one more. */
  async refresh(): Promise<void> {
    if (this.#looking) await this.#looking;
    await (this.#looking ??= this.#look().finally(() => (this.#looking = null)));
  }

  /** Keeps what was counted last. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#looking;
    for (const { live } of this.#followed.values())
      await this.#options.rollouts.keepTally(live.rollout, this.#server, live.own()).catch(() => {});
  }

  schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      void this.refresh().finally(() => this.schedule());
    }, this.#options.everyMs ?? 500);
  }

  async #look(): Promise<void> {
    try {
      const running = await this.#options.rollouts.running();
      const named = new Map(running.map((rollout) => [rollout.model, rollout]));
      for (const [model, { live }] of this.#followed)
        if (named.get(model)?.sequence !== live.rollout.sequence) this.#followed.delete(model);
      for (const rollout of running) await this.#follow(rollout);
      this.#isUnreadable = false;
    } catch (error) {
      if (!this.#isUnreadable) this.#options.onEvent?.({ kind: "unreadable", error: toMillraceError(error) });
      this.#isUnreadable = true;
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

  async #open(rollout: Rollout, champion: ServedModel): Promise<Followed | undefined> {
    const versions = await this.#options.registry.versions(rollout.model);
    const { version, digest, metrics } = versions.find((one) => one.version === rollout.version)!;
    let model: Model;
    try {
      model = await this.#options.load(digest);
    } catch (error) {
      await this.#end(rollout, "rolledBack", `it does not load (${toMillraceError(error).code})`);
      return undefined;
    }
    const candidate = Object.freeze({ model, version, digest, metrics });
    const live = new LiveRollout(rollout, candidate, champion, () => void this.refresh());
    const followed: Followed = { live, quality: [], labelsAt: -Infinity };
    this.#followed.set(rollout.model, followed);
    this.#options.onEvent?.({ kind: "begun", rollout, reason: rollout.plan.reason });
    return followed;
  }

  async #exchange(followed: Followed, rollout: Rollout): Promise<void> {
    const { rollouts, clock, labelled, labelsEveryMs = 10_000 } = this.#options;
    const { live } = followed;
    await rollouts.keepTally(rollout, this.#server, live.own());
    const tallies = await rollouts.tallies(rollout);
    if (clock.monotonic() - followed.labelsAt >= labelsEveryMs) {
      followed.labelsAt = clock.monotonic();
      followed.quality = qualityTally(await labelled(rollout.model, rollout.stepsAt[0]!), rollout);
    }
    const others = [...tallies].filter(([server]) => server !== this.#server).map(([, tally]) => tally as Tally);
    live.follow(rollout, sumOfTallies([...others, followed.quality]));
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

  /** Where the promotion is made and the process dies, the next look finds the champion and ends the rollout. */
  async #promote(rollout: Rollout): Promise<void> {
    const { model, version, plan } = rollout;
    const authority = {
      by: plan.by,
      reason: plan.reason || `rollout ${rollout.sequence} went well`,
      force: plan.force,
    };
    try {
      await this.#options.registry.promote(model, version, authority);
    } catch (error) {
      return this.#end(rollout, "stopped", `it cannot be promoted (${toMillraceError(error).code})`);
    }
    return this.#end(rollout, "promoted", "no worse at any step");
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
    this.#followed.delete(rollout.model);
    if (isDone) this.#options.onEvent?.({ kind: "ended", rollout: { ...rollout, status }, reason });
  }
}
