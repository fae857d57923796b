import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { toMillraceError } from "../core/errors/error.ts";
import type { MillraceError } from "../core/errors/error.ts";
import type { Model } from "../model/model.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import { repeatedLook, type RepeatedLook } from "./repeated-look.ts";

/** Which version of a model should be live. */
export interface Champion {
  readonly version: number;
  readonly digest: Digest;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the watch needs of a registry. */
export interface ChampionRegistry {
  /** All models, each with the number of its champion; null where it has none. */
  models(): Promise<readonly { readonly model: string; readonly champion: number | null }[]>;
  /** Null where the model has none. */
  champion(model: string): Promise<Champion | null>;
}

export type ChampionEvent =
  | { readonly kind: "live"; readonly model: string; readonly version: number; readonly replaced: number | null }
  | { readonly kind: "withdrawn"; readonly model: string; readonly version: number }
  /** The version could not be loaded; the one before goes on answering. Said once a version. */
  | { readonly kind: "refused"; readonly model: string; readonly version: number; readonly error: MillraceError }
  /** The registry could not be read; everything goes on as it is. Said once until it can be read again. */
  | { readonly kind: "unreadable"; readonly error: MillraceError };

export interface ChampionWatchOptions {
  readonly registry: ChampionRegistry;
  /** Reads a model and checks its parity rows; a model that does not load never goes live. */
  load(digest: Digest): Promise<Model>;
  readonly clock: Clock;
  /** Time between looks. Default 500 ms. */
  readonly everyMs?: number;
  readonly onEvent?: (event: ChampionEvent) => void;
}

export interface ChampionWatch extends ModelSource {
  onChange(listener: (served: ServedModel) => void): () => void;
  /** Looks now; resolves when all that was found is live or refused. Never rejects. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** A version that failed to load waits twice as long before each next try, between these bounds. */
const firstRetryMs = 1000;
const longestRetryMs = 60_000;

interface Refusal {
  readonly digest: Digest;
  readonly waitMs: number;
  readonly retryAt: number;
}

/**
 * Keeps the champion of every model loaded: looks at the registry again and again, loads what is new beside what is
 * live, and swaps it in by one assignment. Resolves after the first look.
 */
export async function watchChampions(options: ChampionWatchOptions): Promise<ChampionWatch> {
  const watch = new Watch(options);
  await watch.refresh();
  watch.start();
  return watch;
}

class Watch implements ChampionWatch {
  readonly #options: ChampionWatchOptions;
  readonly #served = new Map<string, ServedModel>();
  readonly #refusals = new Map<string, Refusal>();
  readonly #listeners = new Set<(served: ServedModel) => void>();
  #sorted: readonly ServedModel[] = [];
  readonly #again: RepeatedLook;
  #isUnreadable = false;

  constructor(options: ChampionWatchOptions) {
    this.#options = options;
    this.#again = repeatedLook(() => this.#look(), options.everyMs);
  }

  list(): readonly ServedModel[] {
    return this.#sorted;
  }

  get(name: string): ServedModel | undefined {
    return this.#served.get(name);
  }

  onChange(listener: (served: ServedModel) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  refresh(): Promise<void> {
    return this.#again.refresh();
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
    await this.#again.stop();
  }

  start(): void {
    this.#again.start();
  }

  async #look(): Promise<void> {
    try {
      const models = await this.#options.registry.models();
      const named = new Set(models.filter(({ champion }) => champion !== null).map(({ model }) => model));
      for (const [name, served] of this.#served) if (!named.has(name)) this.#withdraw(name, served);
      for (const { model, champion } of models) {
        if (this.#again.isStopped || champion === null || this.#served.get(model)?.version === champion) continue;
        const found = await this.#options.registry.champion(model);
        if (found) await this.#follow(model, found);
      }
      this.#isUnreadable = false;
    } catch (error) {
      if (!this.#isUnreadable) this.#tell({ kind: "unreadable", error: toMillraceError(error) });
      this.#isUnreadable = true;
    }
  }

  async #follow(name: string, champion: Champion): Promise<void> {
    const live = this.#served.get(name);
    const { version, digest, metrics } = champion;
    if (live?.version === version && live.digest === digest) return;
    const refusal = this.#refusals.get(name);
    const isKnown = refusal?.digest === digest;
    if (isKnown && this.#options.clock.monotonic() < refusal.retryAt) return;
    let model: Model;
    try {
      model = live?.digest === digest ? live.model : await this.#options.load(digest);
    } catch (error) {
      const waitMs = isKnown ? Math.min(longestRetryMs, 2 * refusal.waitMs) : firstRetryMs;
      this.#refusals.set(name, { digest, waitMs, retryAt: this.#options.clock.monotonic() + waitMs });
      if (!isKnown) this.#tell({ kind: "refused", model: name, version, error: toMillraceError(error) });
      return;
    }
    this.#refusals.delete(name);
    this.#swap(name, Object.freeze({ model, version, digest, metrics }), live?.version ?? null);
  }

  #swap(name: string, served: ServedModel, replaced: number | null): void {
    this.#served.set(name, served);
    this.#sort();
    for (const listener of this.#listeners) listener(served);
    this.#tell({ kind: "live", model: name, version: served.version, replaced });
  }

  #withdraw(name: string, served: ServedModel): void {
    this.#served.delete(name);
    this.#sort();
    this.#tell({ kind: "withdrawn", model: name, version: served.version });
  }

  #sort(): void {
    this.#sorted = [...this.#served.values()].sort((a, b) => (a.model.name < b.model.name ? -1 : 1));
  }

  #tell(event: ChampionEvent): void {
    this.#options.onEvent?.(event);
  }
}
