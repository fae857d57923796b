import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { FastifyHttpOptions, FastifyInstance, FastifyReply } from "fastify";
import { MillraceError } from "../core/errors/error.ts";
import { securityHeaders } from "./guard.ts";
import type { LateConnections } from "./late-connections.ts";
import type { ServerLimits } from "./limits.ts";
import { isInternal, type OnFault, problemOf, problemType, translateError } from "./problem.ts";
import { parseText, textOf } from "./request-body.ts";
import { requestIdOf } from "./request-id.ts";
import { longestKept } from "./row-texts.ts";
import { inPart, type Tracing } from "./tracing/tracing.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came, for `rowTextsOf`; "" where it is no JSON, or longer than is kept. */
    bodyText: string;
  }
}

/** The framework, set up for one server: limits of HTTP, bodies of JSON, and how what never became a request is answered. */
export async function createApp(
  limits: ServerLimits,
  late: LateConnections,
  tracing: Tracing | null,
): Promise<FastifyInstance> {
  const { fastify } = await import("fastify");
  const app = fastify(appOptions(limits, late));
  app.addHook("onRequest", (request, _, done) => {
    late.spare(request.raw.socket);
    done();
  });
  readJsonBodies(app, limits, tracing);
  return app;
}

function appOptions(limits: ServerLimits, late: LateConnections): FastifyHttpOptions<Server> {
  return {
    bodyLimit: limits.bodyBytes,
    genReqId: requestIdOf,
    requestTimeout: Math.max(limits.requestMs, limits.batchMs),
    keepAliveTimeout: 30_000,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      connectionsCheckingInterval: 1000,
    },
    routerOptions: { maxParamLength: 1024 },
    // A request that arrives on an open connection while the server drains is answered like any other.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    clientErrorHandler(error, socket) {
      const cut = (): void => answerBrokenRequest(translateError(error, limits, undefined), socket);
      if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") late.add(socket, cut);
      else cut();
    },
    frameworkErrors: (error, _, reply) => {
      sendProblem(reply, translateError(error, limits, undefined));
    },
  };
}

/** A body is kept as it came, too, where it is short. */
function readJsonBodies(app: FastifyInstance, limits: ServerLimits, tracing: Tracing | null): void {
  app.decorateRequest("bodyText", "");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    try {
      done(
        null,
        inPart(tracing?.partsOf(request), "decode", () => {
          const text = textOf(body as Buffer);
          if (text.length <= longestKept) request.bodyText = text;
          return parseText(text, limits);
        }),
      );
    } catch (error) {
      done(error as Error);
    }
  });
}

function sendProblem(reply: FastifyReply, error: unknown): void {
  const document = problemOf(error);
  void reply.code(document.status).headers(securityHeaders).type(problemType).send(JSON.stringify(document));
}

/** What a route throws, and a path that is none, as problem documents. */
export function answerErrors(app: FastifyInstance, limits: ServerLimits, onFault: OnFault): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = translateError(thrown, limits, request.headers["content-type"]);
    if (isInternal(error) && !hasLeft(thrown, reply)) onFault(error, request.id);
    sendProblem(reply, error);
  });
  app.setNotFoundHandler((request, reply) => {
    const asked = request.url.split("?", 1)[0]!.slice(0, 200);
    sendProblem(reply, new MillraceError("ROUTE_NOT_FOUND", { method: request.method, path: asked }));
  });
}

/** Whether an answer broke off for no other reason than that its client was gone before the first byte of it. */
function hasLeft(thrown: unknown, { raw }: FastifyReply): boolean {
  return raw.destroyed && (thrown as NodeJS.ErrnoException | null)?.code === "ERR_STREAM_PREMATURE_CLOSE";
}

/** Time for a client to read why it was cut off. */
export const lingerMs = 1000;

/** Answers what never became a request: broken HTTP, headers too large, too slow. */
export function answerBrokenRequest(error: unknown, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  const document = problemOf(error);
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${document.status} ${document.title}`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // A client that keeps its side open would keep the place of a request, too.
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
