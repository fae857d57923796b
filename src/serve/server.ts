import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { markedPredictionId, predictionId } from "../monitor/prediction-id.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import type { ModelCard } from "../registry/card.ts";
import { createAuthority } from "./access/authority.ts";
import type { KeyRing } from "./access/key-ring.ts";
import type { PredictContext } from "./answer-rows.ts";
import { answerBrokenRequest, answerErrors, createApp } from "./app.ts";
import { addArrivalLimit } from "./arrival.ts";
import { addBatchRoute } from "./batch/batch-route.ts";
import { bodyPaths } from "./batch/body-paths.ts";
import { addDurableAnswers } from "./durable-answers.ts";
import { addFeedbackRoute } from "./feedback-route.ts";
import type { FeedbackSink } from "./feedback-route.ts";
import { Gathering } from "./gathering.ts";
import { guard } from "./guard.ts";
import type { AnsweredRequest, ServerState } from "./guard.ts";
import { createHostCheck, listeningAddress } from "./hosts.ts";
import { LateConnections } from "./late-connections.ts";
import { defaultLimits } from "./limits.ts";
import type { ServerLimits } from "./limits.ts";
import { createMetrics, type ServerMetrics } from "./metrics.ts";
import { addModelRoutes } from "./model-routes.ts";
import type { ModelSource } from "./model-source.ts";
import { addPages } from "./pages/routes.ts";
import type { RunSource } from "./pages/run-page.ts";
import { addPredictRoute } from "./predict-route.ts";
import { addOpenInference } from "./protocols/open-inference.ts";
import { addPlatforms } from "./protocols/platforms.ts";
import type { VertexRoutes } from "./protocols/platforms.ts";
import type { OnFault } from "./problem.ts";
import type { Tracing } from "./tracing/tracing.ts";
import type { Traffic } from "./traffic/traffic.ts";

export interface ServerOptions {
  readonly models: ModelSource;
  readonly clock: Clock;
  /** Version of this package. */
  readonly version: string;
  /** A loopback address or "localhost"; any address where `keys` are in use. Default 127.0.0.1. */
  readonly host?: string;
  /** 0 = any free one. Default 8080. */
  readonly port?: number;
  /** Where answered and refused rows are recorded; the server flushes it when it closes, its owner closes it. Default none. */
  readonly log?: PredictionLogs | null;
  /** Makes the id of a prediction, with the mark it is given. Default UUIDs that tell the time; feedback finds only such. */
  readonly createId?: (mark?: string) => string;
  /** Further names a Host or Origin header may carry, for a reverse proxy before the server. */
  readonly allowedHosts?: readonly string[];
  /** Who may ask for what, once a key was made. Default null: nobody needs a key. */
  readonly keys?: KeyRing | null;
  /** Describes a version from what is recorded of it. Default null: no cards. */
  readonly card?: ((model: string, version: number) => Promise<ModelCard>) | null;
  /** Default null: no pages of runs. */
  readonly runs?: RunSource | null;
  /** A new path for a file that is gone with its request, as batches in Parquet need. Default in the system's folder for such. */
  readonly temporaryPath?: () => string;
  /** Where true values go. Default null: the server keeps none. */
  readonly feedback?: FeedbackSink | null;
  readonly limits?: Partial<ServerLimits>;
  /** Versions that get a share of the requests beside the champions. Default none. */
  readonly traffic?: Traffic | null;
  /** Makes a span of every request, and one of each of its parts. Default null: none are made. */
  readonly tracing?: Tracing | null;
  /** Where Vertex AI asks for health and predictions. Default null: no such routes. */
  readonly vertex?: VertexRoutes | null;
  /** Hears of faults of the server itself, and which request met one; clients are told no reason. */
  readonly onFault?: OnFault;
  /** Hears of every answer once it is sent. Default null: nobody does. */
  readonly onRequest?: ((answered: AnsweredRequest) => void) | null;
}

export interface Server {
  /** Binds the address; throws PORT_TAKEN. */
  listen(): Promise<{ readonly url: string }>;
  /** Drains: not ready at once, open requests are answered (at most `limits.drainMs`), then every connection is closed. */
  close(): Promise<void>;
  /** Every route as "METHOD /path". */
  routes(): readonly string[];
  /** What requests are answered with, for rows that come another way. */
  readonly predicting: PredictContext;
}

/**
 * A server of predictions over HTTP; throws ADDRESS_REFUSED for an address that is not loopback while there are no keys.
 * Loads Fastify when called.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { keys = null } = options;
  const { address, isPublic } = listeningAddress(options.host ?? "127.0.0.1", keys?.isInUse() ?? false);
  const limits: ServerLimits = Object.freeze({ ...defaultLimits, ...options.limits });
  const { models, clock, log = null } = options;
  const state: ServerState = { isDraining: false, inFlight: 0 };
  const metrics = await createMetrics({ models, log, inFlight: () => state.inFlight });
  const late = new LateConnections();
  const app = await createApp(limits, late, options.tracing ?? null);
  const routes = listRoutes(app);
  guard(app, {
    limits,
    state,
    metrics,
    clock,
    isAllowedHost: createHostCheck(options.allowedHosts ?? [], isPublic),
    authority: createAuthority({ keys, isPublic, clock, failures: limits.keyFailures }),
    tracing: options.tracing ?? null,
    onRequest: options.onRequest ?? null,
  });
  const predicting = predictingBy(options, limits, metrics);
  addArrivalLimit(app, { clock, late, requestMs: limits.requestMs }, (socket, limitMs) =>
    answerBrokenRequest(new MillraceError("REQUEST_TIMEOUT", { limitMs }), socket),
  );
  await addRoutes(app, options, predicting, () => state.isDraining);
  const stopListening = models.onChange?.((served) => metrics.swapped(served.model.name));
  return {
    listen: () => listen(app, address, options.port ?? 8080),
    async close() {
      state.isDraining = true;
      stopListening?.();
      await drain(app, limits.drainMs);
      await log?.flush();
    },
    routes: () => routes,
    predicting,
  };
}

/** Every route as it is added; one that does not say who may call it is refused. */
function listRoutes(app: FastifyInstance): readonly string[] {
  const routes: string[] = [];
  app.addHook("onRoute", (route) => {
    if (!route.config?.access) throw new TypeError(`route ${route.url} does not say who may call it`);
    for (const method of [route.method].flat()) routes.push(`${method} ${route.url}`);
  });
  return routes;
}

function predictingBy(options: ServerOptions, limits: ServerLimits, metrics: ServerMetrics): PredictContext {
  const { models, clock, log = null, traffic = null, tracing = null, createId = idsBy(clock) } = options;
  return { models, traffic, tracing, log, clock, createId, limits, metrics };
}

async function addRoutes(
  app: FastifyInstance,
  options: ServerOptions,
  predicting: PredictContext,
  isDraining: () => boolean,
): Promise<void> {
  const { version, tracing = null, onFault = () => {} } = options;
  const { models, log, limits, metrics } = predicting;
  answerErrors(app, limits, onFault);
  if (log?.mode === "sync") addDurableAnswers(app, log, tracing);
  const gathering = new Gathering(predicting);
  addPredictRoute(app, predicting, gathering);
  const temporaryPath = options.temporaryPath ?? (await bodyPaths(tmpdir(), performance.timeOrigin));
  await addBatchRoute(app, { ...predicting, onFault, temporaryPath });
  addFeedbackRoute(app, { models, log, limits, sink: options.feedback ?? null });
  addModelRoutes(app, { models, log, limits, metrics, version, isDraining });
  await addPages(app, { models, version, limits, card: options.card ?? null, runs: options.runs ?? null });
  const others = { ...predicting, version, onFault, gathering, isDraining };
  await addOpenInference(app, others);
  await addPlatforms(app, others, options.vertex ?? null);
}

function idsBy(clock: Clock): (mark?: string) => string {
  let count = 0;
  return (mark) =>
    mark === undefined ? predictionId(clock.now(), randomUUID()) : markedPredictionId(clock.now(), mark, count++);
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<{ readonly url: string }> {
  try {
    // Node's own 511 are few: what comes beyond them at once, the system may reset.
    return { url: await app.listen({ host, port, backlog: 4096 }) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new MillraceError("PORT_TAKEN", { host, port }, { cause: error });
    if (code === "EACCES" || code === "ERR_SOCKET_BAD_PORT")
      throw new MillraceError("USAGE", { reason: `port ${port} cannot be used: ${code}` }, { cause: error });
    throw error;
  }
}

async function drain(app: FastifyInstance, drainMs: number): Promise<void> {
  const force = setTimeout(() => app.server.closeAllConnections(), drainMs);
  try {
    await app.close();
  } finally {
    clearTimeout(force);
  }
}
