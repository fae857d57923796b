import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Authority } from "./access/authority.ts";
import { originHost } from "./hosts.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerMetrics } from "./metrics.ts";
import { requestIdHeader } from "./request-id.ts";
import { requestSpan, type TracedAnswer, type Tracing } from "./tracing/tracing.ts";

/** Where the state of one server stands while it runs. */
export interface ServerState {
  isDraining: boolean;
  inFlight: number;
}

/** What became of a request, for whoever logs each. */
export interface AnsweredRequest extends TracedAnswer {
  readonly requestId: string;
  readonly ms: number;
}

interface GuardContext {
  readonly limits: ServerLimits;
  readonly state: ServerState;
  readonly metrics: ServerMetrics;
  readonly clock: Clock;
  isAllowedHost(header: string): boolean;
  readonly authority: Authority;
  readonly tracing: Tracing | null;
  readonly onRequest: ((answered: AnsweredRequest) => void) | null;
}

/** What every answer carries. */
export const securityHeaders: Readonly<Record<string, string>> = Object.freeze({
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
});

/** What stands before every route: load, names, keys, headers, and the count of what happened. */
export function guard(app: FastifyInstance, context: GuardContext): void {
  const { limits, state, metrics, clock, authority, tracing, onRequest } = context;
  app.addHook("onRequest", (request, reply, done) => {
    const start = clock.monotonic();
    ++state.inFlight;
    reply.raw.once("close", () => {
      --state.inFlight;
      const route = request.routeOptions.url ?? null;
      const ms = clock.monotonic() - start;
      const answer = { method: request.method, route, status: reply.statusCode };
      metrics.answered(route ?? "unmatched", request.method, reply.statusCode, ms / 1000);
      tracing?.end(request, requestSpan(answer));
      onRequest?.({ requestId: request.id, ...answer, ms: Math.round(ms * 1000) / 1000 });
      // An answer whose head went out before the server drains said nothing of the end of its connection.
      if (state.isDraining) app.server.closeIdleConnections();
    });
    reply.headers(securityHeaders).header(requestIdHeader, request.id);
    if (tracing) reply.header("traceresponse", tracing.begin(request));
    if (state.isDraining) reply.header("connection", "close");
    // An orchestrator that is told 429 by a probe restarts the server whose only trouble is to be busy.
    if (state.inFlight > limits.inFlight && request.routeOptions.config.access !== "open") {
      reply.header("retry-after", "1");
      return done(new MillraceError("OVERLOADED", { limit: limits.inFlight }));
    }
    done(namesFault(request, context.isAllowedHost) ?? authority(request, reply));
  });
  app.addHook("onSend", (_, reply, payload, done) => {
    if (state.isDraining) reply.header("connection", "close");
    done(null, payload);
  });
}

function namesFault(request: FastifyRequest, isAllowed: (header: string) => boolean): MillraceError | undefined {
  const host = request.headers.host ?? "";
  if (!isAllowed(host)) return new MillraceError("HOST_REFUSED", { header: "Host", actual: host.slice(0, 100) });
  const { origin } = request.headers;
  if (origin !== undefined && !isAllowed(originHost(origin) ?? ""))
    return new MillraceError("HOST_REFUSED", { header: "Origin", actual: origin.slice(0, 100) });
  return undefined;
}
