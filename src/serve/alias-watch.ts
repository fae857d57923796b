import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { toMillraceError } from "../core/errors/error.ts";
import type { MillraceError } from "../core/errors/error.ts";
import type { Model } from "../model/model.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import { repeatedLook } from "./repeated-look.ts";

/** A version that people gave a name, with what it reached on the test split. */
export interface AliasedVersion {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly digest: Digest;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface AliasWatchOptions {
  read(): Promise<readonly AliasedVersion[]>;
  load(digest: Digest): Promise<Model>;
  readonly clock: Clock;
  /** Time between looks. Default 500 ms. */
  readonly everyMs?: number;
  /** A version that does not load answers under no alias; it is tried again with the next look. Said once a version. */
  readonly onRefused?: (refused: AliasedVersion, error: MillraceError) => void;
}

/** Versions by "model@alias". */
export interface AliasWatch {
  get(name: string): ServedModel | undefined;
  /** Looks now. Never rejects. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** Keeps every version loaded that an alias stands at. Resolves after the first look. */
export async function watchAliases(options: AliasWatchOptions): Promise<AliasWatch> {
  let served: ReadonlyMap<string, ServedModel> = new Map();
  const refused = new Set<string>();
  const again = repeatedLook(async () => {
    // What cannot be read stays as it was; the watch of champions says so.
    const wanted = await options.read().catch(() => null);
    if (wanted) served = await followed(wanted, served, refused, options);
  }, options.everyMs);
  await again.refresh();
  again.start();
  return { get: (name) => served.get(name), refresh: () => again.refresh(), stop: () => again.stop() };
}

async function followed(
  wanted: readonly AliasedVersion[],
  before: ReadonlyMap<string, ServedModel>,
  refused: Set<string>,
  { load, onRefused }: AliasWatchOptions,
): Promise<ReadonlyMap<string, ServedModel>> {
  const after = new Map<string, ServedModel>();
  for (const one of wanted) {
    const name = `${one.model}@${one.alias}`;
    const { version, digest, metrics } = one;
    const known = before.get(name);
    try {
      const model = known?.digest === digest ? known.model : await load(digest);
      after.set(name, known?.version === version ? known : Object.freeze({ model, version, digest, metrics }));
    } catch (error) {
      const mark = `${name} ${version}`;
      if (!refused.has(mark)) onRefused?.(one, toMillraceError(error));
      refused.add(mark);
      // The version before goes on answering under the name.
      if (known) after.set(name, known);
    }
  }
  return after;
}

/** Champions by name, and any aliased version by "model@alias". */
export function withAliases(champions: ModelSource, aliases: Pick<AliasWatch, "get">): ModelSource {
  return {
    list: () => champions.list(),
    get: (name) => champions.get(name) ?? aliases.get(name),
    onChange: (listener) => champions.onChange?.(listener) ?? (() => {}),
  };
}
