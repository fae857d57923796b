import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../core/clock.ts";
import type { LateConnections } from "./late-connections.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Time for a request to arrive whole; default `limits.requestMs`. */
    arrivesWithinMs?: number;
  }
}

export interface ArrivalOptions {
  readonly clock: Clock;
  readonly late: LateConnections;
  /** Time for a request whose route names none. */
  readonly requestMs: number;
}

interface Arrival {
  readonly endMs: number;
  readonly limitMs: number;
  readonly answer: ServerResponse;
  /** The request's own is null once a pipeline that reads it has failed. */
  readonly socket: Socket;
}

/**
 * Cuts off requests that do not arrive whole in time. Node has one such limit for a whole server, and routes that take streams
 * need another.
 */
export function addArrivalLimit(
  app: FastifyInstance,
  { clock, late, requestMs }: ArrivalOptions,
  cutOff: (socket: Socket, limitMs: number) => void,
): void {
  const arriving = new Map<IncomingMessage, Arrival>();
  app.addHook("onRequest", (request, reply, done) => {
    const { raw } = request;
    const hasBody = raw.headers["transfer-encoding"] !== undefined || raw.headers["content-length"] !== undefined;
    if (hasBody && !raw.complete) {
      const limitMs = request.routeOptions.config.arrivesWithinMs ?? requestMs;
      arriving.set(raw, { endMs: clock.monotonic() + limitMs, limitMs, answer: reply.raw, socket: raw.socket });
      raw.once("close", () => arriving.delete(raw));
    }
    done();
  });
  const timer = setInterval(
    () => {
      const now = clock.monotonic();
      for (const [raw, { endMs, limitMs, answer, socket }] of arriving) {
        if (raw.complete) arriving.delete(raw);
        else if (now > endMs) {
          arriving.delete(raw);
          late.add(socket, () => {
            if (raw.complete) return;
            // An answer that has begun can only break off.
            if (answer.headersSent) socket.destroy();
            else cutOff(socket, limitMs);
          });
        }
      }
    },
    Math.min(1000, requestMs),
  );
  timer.unref();
  app.addHook("onClose", (_, done) => {
    clearInterval(timer);
    done();
  });
}
