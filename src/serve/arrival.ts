import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../core/clock.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Time for a request to arrive whole; default `limits.requestMs`. */
    arrivesWithinMs?: number;
  }
}

interface Arrival {
  readonly endMs: number;
  readonly limitMs: number;
  readonly answer: ServerResponse;
}

/**
 * Cuts off requests that do not arrive whole in time. Node has one such limit for a whole server, and routes that take streams
 * need another.
 */
export function addArrivalLimit(
  app: FastifyInstance,
  clock: Clock,
  requestMs: number,
  cutOff: (socket: Socket, limitMs: number) => void,
): void {
  const arriving = new Map<IncomingMessage, Arrival>();
  app.addHook("onRequest", (request, reply, done) => {
    const { raw } = request;
    const hasBody = raw.headers["transfer-encoding"] !== undefined || raw.headers["content-length"] !== undefined;
    if (hasBody && !raw.complete) {
      const limitMs = request.routeOptions.config.arrivesWithinMs ?? requestMs;
      arriving.set(raw, { endMs: clock.monotonic() + limitMs, limitMs, answer: reply.raw });
      raw.once("close", () => arriving.delete(raw));
    }
    done();
  });
  const timer = setInterval(
    () => {
      const now = clock.monotonic();
      for (const [raw, { endMs, limitMs, answer }] of arriving) {
        if (raw.complete) arriving.delete(raw);
        else if (now > endMs) {
          arriving.delete(raw);
          // An answer that has begun can only break off.
          if (answer.headersSent) raw.socket.destroy();
          else cutOff(raw.socket, limitMs);
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
