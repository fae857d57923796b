import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { MillraceError } from "../core/errors/error.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import type { Tracing } from "./tracing/tracing.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Log entries lost before the request came. */
    lostBefore: number;
  }
}

/**
 * Holds every answer back until its entries are on disk, and refuses it where the disk does: what a caller was told is in
 * the log. Requests that wait together share a write. A loss beside a request refuses that one, too: rather one answer too
 * few than one that nobody can find.
 */
export function addDurableAnswers(app: FastifyInstance, log: PredictionLogs, tracing: Tracing | null): void {
  app.decorateRequest("lostBefore", 0);
  app.addHook("preHandler", (request, _, done) => {
    request.lostBefore = log.counts().dropped;
    done();
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const isAnswer = request.routeOptions.config.access === "predict" && reply.statusCode < 400;
    // What is streamed makes its own parts last before it sends them.
    if (!isAnswer || payload instanceof Readable) return payload;
    const end = tracing?.partsOf(request)?.("log to disk");
    await log.flush();
    end?.();
    const { dropped, failing } = log.counts();
    if (dropped === request.lostBefore) return payload;
    reply.header("retry-after", "1");
    throw new MillraceError("LOG_UNWRITABLE", { reason: failing ?? "it cannot keep up" });
  });
}

/** How the log does, for probes and people. */
export function describeLog(log: PredictionLogs): LogState {
  const { written, dropped, failing } = log.counts();
  const counts = { mode: log.mode, written, dropped };
  return failing === null
    ? { state: "writing", ...counts }
    : { state: "failing", code: "LOG_UNWRITABLE", reason: failing, ...counts };
}

type LogState = { readonly mode: string; readonly written: number; readonly dropped: number } & (
  | { readonly state: "writing" }
  | { readonly state: "failing"; readonly code: "LOG_UNWRITABLE"; readonly reason: string }
);
