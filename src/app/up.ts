import type { Digest } from "../core/digest.ts";
import type { MillraceError } from "../core/errors/error.ts";
import { toMillraceError } from "../core/errors/error.ts";
import type { Model } from "../model/model.ts";
import { recordFeedback } from "../monitor/feedback.ts";
import { readLabelledAnswers } from "../monitor/rollout/quality.ts";
import type { LogMode } from "../monitor/prediction-logs.ts";
import { createRollouts } from "../registry/rollouts.ts";
import { type AliasedVersion, watchAliases, withAliases } from "../serve/alias-watch.ts";
import { type ChampionEvent, watchChampions } from "../serve/champions.ts";
import { watchKeys } from "../serve/access/key-ring.ts";
import { listKeys } from "../serve/access/keys.ts";
import { createServer } from "../serve/server.ts";
import { type RolloutEvent, watchRollouts } from "../serve/traffic/watch-rollouts.ts";
import { cardOf } from "./card.ts";
import { loadModel } from "./champion.ts";
import { type MessagesOptions, startMessages } from "./messages.ts";
import { packageVersion } from "./package-version.ts";
import type { Project } from "./project.ts";
import { openServedLog } from "./served-log.ts";
import { openTracing, type TracingOptions } from "./tracing.ts";
import { startRetraining, type Retraining } from "./retraining.ts";

export interface UpOptions {
  readonly host: string;
  readonly port: number;
  /** Further names under which clients may ask for the server. Default none. */
  readonly allowedHosts?: readonly string[];
  /** How predictions are recorded, and for how many days they are kept. Default async, for ever. */
  readonly log?: { readonly mode: LogMode; readonly keepDays: number | null };
  /** Where spans of requests go, and the share of traces beginning here that are kept. Default null: none are made. */
  readonly tracing?: TracingOptions | null;
  /** Command that runs this program, for runs in a process of their own; null = serve only, never train. */
  readonly command: readonly string[] | null;
  /** Where Vertex AI asks for health and predictions. Default none. */
  readonly vertex?: { readonly health: string; readonly predict: string } | null;
  /** Messages that are answered, too. Default none. */
  readonly messages?: MessagesOptions | null;
  /** Hears in a sentence what happens: swaps, runs, drift. */
  readonly onEvent: (text: string) => void;
}

export interface Up {
  readonly url: string;
  /** Names of the models served from the start. */
  readonly models: readonly string[];
  /** Drains the server, stops the loop, flushes the prediction log. */
  close(): Promise<void>;
}

/** Serves every champion of the project, logs predictions, swaps champions as they change and, with a command, retrains. */
export async function startUp(project: Project, options: UpOptions): Promise<Up> {
  const { clock } = project;
  const { onEvent } = options;
  const served = openServedLog(project, { ...(options.log ?? { mode: "async", keepDays: null }), onEvent });
  const load = async (digest: Digest): Promise<Model> => {
    const model = await loadModel(project, digest);
    await served.learn(model, digest);
    return model;
  };
  const champions = await watchChampions({
    registry: project.registry,
    load,
    clock,
    onEvent: (event) => options.onEvent(describeSwap(event)),
  });
  const aliases = await watchAliases({
    read: () => aliasedVersions(project),
    load,
    clock,
    onRefused: ({ model, alias, version }, error) =>
      onEvent(`${model}@${alias} version ${version} does not load (${error.code}: ${error.message})`),
  });
  const keys = await watchKeys({
    read: () => listKeys(project.store),
    clock,
    onUnreadable: (error) =>
      options.onEvent(`the keys cannot be read; those known hold (${error.code}: ${error.message})`),
  });
  const traffic = await watchRollouts({
    rollouts: createRollouts(project.store, clock),
    registry: project.registry,
    models: champions,
    load,
    labelled: (model, query) => readLabelledAnswers(project.store, model, query),
    clock,
    onEvent: (event) => options.onEvent(describeRollout(event)),
  });
  const onFault = (error: unknown): void => onEvent(`fault: ${toMillraceError(error).message}`);
  const traced = openTracing(options.tracing ?? null, clock, onEvent);
  const server = await createServer({
    tracing: traced.tracing,
    models: withAliases(champions, aliases),
    traffic,
    clock,
    version: packageVersion(),
    host: options.host,
    port: options.port,
    allowedHosts: options.allowedHosts ?? [],
    keys,
    log: served.log,
    card: (model, version) => cardOf(project, model, version),
    feedback: (model, items) => recordFeedback(project.store, clock, model, items),
    vertex: options.vertex ?? null,
    onFault,
  });
  let retraining: Retraining | null = null;
  let answering: { stop(): Promise<void> } | null = null;
  const close = async (): Promise<void> => {
    // Not ready first: a cancelled run may take seconds to end.
    const drained = server.close();
    await answering?.stop();
    await retraining?.stop();
    await champions.stop();
    await aliases.stop();
    await keys.stop();
    await drained;
    await traffic.stop();
    await served.close();
    await traced.close();
  };
  try {
    const { url } = await server.listen();
    answering = options.messages
      ? await startMessages(project, server.predicting, options.messages, onEvent, onFault)
      : null;
    retraining = options.command && (await startRetraining(project, options.command, options.onEvent));
    return { url, models: champions.list().map(({ model }) => model.name), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function describeRollout(event: RolloutEvent): string {
  if (event.kind === "unreadable")
    return `rollouts cannot be followed; shares stay (${event.error.code}: ${event.error.message})`;
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
  const because = (error: MillraceError): string => `${error.code}: ${error.message}`;
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
