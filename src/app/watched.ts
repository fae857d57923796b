import type { Digest } from "../core/digest.ts";
import type { MillraceError } from "../core/errors/error.ts";
import type { Model } from "../model/model.ts";
import { readLabelledAnswers } from "../monitor/rollout/quality.ts";
import { createRollouts } from "../registry/rollouts.ts";
import { type KeyWatch, watchKeys } from "../serve/access/key-ring.ts";
import { listKeys } from "../serve/access/keys.ts";
import { type AliasedVersion, type AliasWatch, watchAliases } from "../serve/alias-watch.ts";
import { type ChampionEvent, type ChampionWatch, watchChampions } from "../serve/champions.ts";
import { type RolloutEvent, type RolloutWatch, watchRollouts } from "../serve/traffic/watch-rollouts.ts";
import type { Project } from "./project.ts";

type Load = (digest: Digest) => Promise<Model>;

/** What a server follows in its project while it runs. */
export interface Watched {
  readonly champions: ChampionWatch;
  readonly aliases: AliasWatch;
  readonly keys: KeyWatch;
  readonly traffic: RolloutWatch;
  /** Follows nothing any more, and keeps what rollouts counted last. */
  stop(): Promise<void>;
}

/** Follows champions, other aliases, keys and rollouts; none of them where one cannot be followed. */
export async function watchProject(project: Project, load: Load, onEvent: (text: string) => void): Promise<Watched> {
  const { clock, registry } = project;
  const watches: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const watch of watches) await watch.stop();
  };
  const begun = async <W extends { stop(): Promise<void> }>(beginning: Promise<W>): Promise<W> => {
    const watch = await beginning;
    watches.push(watch);
    return watch;
  };
  const onSwap = (event: ChampionEvent): void => onEvent(describeSwap(event));
  try {
    const champions = await begun(watchChampions({ registry, load, clock, onEvent: onSwap }));
    const aliases = await begun(followAliases(project, load, onEvent));
    const keys = await begun(followKeys(project, onEvent));
    const traffic = await begun(followRollouts(project, champions, load, onEvent));
    return { champions, aliases, keys, traffic, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function followAliases(project: Project, load: Load, onEvent: (text: string) => void): Promise<AliasWatch> {
  return watchAliases({
    read: () => aliasedVersions(project),
    load,
    clock: project.clock,
    onRefused: ({ model, alias, version }, error) =>
      onEvent(`${model}@${alias} version ${version} does not load (${because(error)})`),
  });
}

function followKeys({ store, clock }: Project, onEvent: (text: string) => void): Promise<KeyWatch> {
  return watchKeys({
    read: () => listKeys(store),
    clock,
    onUnreadable: (error) => onEvent(`the keys cannot be read; those known hold (${because(error)})`),
  });
}

function followRollouts(
  { registry, store, clock }: Project,
  models: ChampionWatch,
  load: Load,
  onEvent: (text: string) => void,
): Promise<RolloutWatch> {
  return watchRollouts({
    rollouts: createRollouts(store, clock),
    registry,
    models,
    load,
    labelled: (model, query) => readLabelledAnswers(store, model, query),
    clock,
    onEvent: (event) => onEvent(describeRollout(event)),
  });
}

function because({ code, message }: MillraceError): string {
  return `${code}: ${message}`;
}

function describeRollout(event: RolloutEvent): string {
  if (event.kind === "unreadable") return `rollouts cannot be followed; shares stay (${because(event.error)})`;
  const { kind, rollout, reason } = event;
  const { model, version, plan, status } = rollout;
  const why = reason ? `: ${reason}` : "";
  if (kind === "ended") return `${plan.kind} of ${model} version ${version} ${endings[status]}${why}`;
  return `${plan.kind} of ${model} version ${version} ${kind === "begun" ? "is under way" : "goes on"}${why}`;
}

const endings = { running: "runs", promoted: "made it champion", rolledBack: "is rolled back", stopped: "stopped" };

async function aliasedVersions({ registry }: Project): Promise<readonly AliasedVersion[]> {
  const found: AliasedVersion[] = [];
  for (const { model, alias, version, digest } of await registry.aliases()) {
    const { metrics } = (await registry.versions(model)).find((one) => one.version === version)!;
    found.push({ model, alias, version, digest, metrics });
  }
  return found;
}

function describeSwap(event: ChampionEvent): string {
  switch (event.kind) {
    case "live":
      return `${event.model} version ${event.version} is live${event.replaced === null ? "" : `, in place of version ${event.replaced}`}`;
    case "withdrawn":
      return `${event.model} version ${event.version} is withdrawn`;
    case "refused":
      return `${event.model} version ${event.version} does not load and never goes live (${because(event.error)})`;
    case "unreadable":
      return `the registry cannot be read; the champions stay (${because(event.error)})`;
  }
}
