import type { Digest } from "../core/digest.ts";
import type { MillraceError } from "../core/errors/error.ts";
import type { Model } from "../model/model.ts";
import { readLabelledAnswers } from "../monitor/rollout/quality.ts";
import { createRollouts } from "../registry/rollouts.ts";
import { watchKeys } from "../serve/access/key-ring.ts";
import { listKeys } from "../serve/access/keys.ts";
import { type AliasedVersion, watchAliases } from "../serve/alias-watch.ts";
import { type ChampionEvent, watchChampions } from "../serve/champions.ts";
import { type RolloutEvent, watchRollouts } from "../serve/traffic/watch-rollouts.ts";
import type { Project } from "./project.ts";

/** What a server follows in its project while it runs. */
export interface Watched {
  readonly champions: Awaited<ReturnType<typeof watchChampions>>;
  readonly aliases: Awaited<ReturnType<typeof watchAliases>>;
  readonly keys: Awaited<ReturnType<typeof watchKeys>>;
  readonly traffic: Awaited<ReturnType<typeof watchRollouts>>;
}

/** Follows champions, other aliases, keys and rollouts; each is stopped by its own `stop`. */
export async function watchProject(
  project: Project,
  load: (digest: Digest) => Promise<Model>,
  onEvent: (text: string) => void,
): Promise<Watched> {
  const { clock, registry, store } = project;
  const champions = await watchChampions({ registry, load, clock, onEvent: (event) => onEvent(describeSwap(event)) });
  const aliases = await watchAliases({
    read: () => aliasedVersions(project),
    load,
    clock,
    onRefused: ({ model, alias, version }, error) =>
      onEvent(`${model}@${alias} version ${version} does not load (${because(error)})`),
  });
  const keys = await watchKeys({
    read: () => listKeys(store),
    clock,
    onUnreadable: (error) => onEvent(`the keys cannot be read; those known hold (${because(error)})`),
  });
  const traffic = await watchRollouts({
    rollouts: createRollouts(store, clock),
    registry,
    models: champions,
    load,
    labelled: (model, query) => readLabelledAnswers(store, model, query),
    clock,
    onEvent: (event) => onEvent(describeRollout(event)),
  });
  return { champions, aliases, keys, traffic };
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
