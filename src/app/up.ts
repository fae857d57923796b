import type { Digest } from "../core/digest.ts";
import { listRuns } from "../engine/runs.ts";
import type { Model } from "../model/model.ts";
import { recordFeedback } from "../monitor/feedback.ts";
import type { LogMode, PredictionLogs } from "../monitor/prediction-logs.ts";
import { withAliases } from "../serve/alias-watch.ts";
import { createServer, type Server } from "../serve/server.ts";
import type { Tracing } from "../serve/tracing/tracing.ts";
import { cardOf } from "./card.ts";
import { loadModel } from "./champion.ts";
import { type MessagesOptions, startMessages } from "./messages.ts";
import { packageVersion } from "./package-version.ts";
import type { Project } from "./project.ts";
import { reportOfRun } from "./run-sections.ts";
import { openServedLog } from "./served-log.ts";
import type { ServerLog } from "./server-log.ts";
import { openTracing, type TracingOptions } from "./tracing.ts";
import { startRetraining } from "./retraining.ts";
import { type Watched, watchProject } from "./watched.ts";

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
  /** Hears what happens: swaps, runs, drift, faults and, where it wants to, every request. */
  readonly serverLog: ServerLog;
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
  const { serverLog } = options;
  const onEvent = (text: string): void => serverLog.event(text);
  const traced = openTracing(options.tracing ?? null, project.clock, onEvent);
  const served = openServedLog(project, { ...(options.log ?? { mode: "async", keepDays: null }), onEvent });
  const load = async (digest: Digest): Promise<Model> => {
    const model = await loadModel(project, digest);
    await served.learn(model, digest);
    return model;
  };
  let watched: Watched | undefined;
  let server: Server | undefined;
  const working: { stop(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    // Not ready first: a cancelled run may take seconds to end.
    const drained = server?.close();
    for (const part of working) await part.stop();
    await drained;
    await watched?.stop();
    await served.close();
    await traced.close();
  };
  try {
    watched = await watchProject(project, load, onEvent);
    server = await serverOf(project, options, { watched, log: served.log, tracing: traced.tracing });
    const { url } = await server.listen();
    if (options.messages) working.push(await startMessages(project, server.predicting, options.messages, serverLog));
    if (options.command) working.push(await startRetraining(project, options.command, onEvent));
    return { url, models: watched.champions.list().map(({ model }) => model.name), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ServerParts {
  readonly watched: Watched;
  readonly log: PredictionLogs;
  readonly tracing: Tracing | null;
}

function serverOf(
  project: Project,
  { host, port, allowedHosts, vertex, serverLog }: UpOptions,
  { watched, log, tracing }: ServerParts,
): Promise<Server> {
  const { clock, store } = project;
  const { champions, aliases, keys, traffic } = watched;
  return createServer({
    tracing,
    models: withAliases(champions, aliases),
    traffic,
    clock,
    version: packageVersion(),
    host,
    port,
    allowedHosts: allowedHosts ?? [],
    keys,
    log,
    card: (model, version) => cardOf(project, model, version),
    runs: { list: () => listRuns(store), report: (called) => reportOfRun(project, called) },
    temporaryPath: () => store.artifacts.temporaryPath(),
    feedback: (model, items) => recordFeedback(store, clock, model, items),
    vertex: vertex ?? null,
    onFault: (error, requestId) => serverLog.fault(error, requestId),
    onRequest: serverLog.request ?? null,
  });
}
