import { type Agent, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { expect, onTestFinished } from "vitest";
import { churnModel, hostileModel, housesModel } from "./served-models.ts";
import { systemClock } from "../../src/core/clock.ts";
import { fixedModels } from "../../src/serve/model-source.ts";
import type { ProblemDocument } from "../../src/serve/problem.ts";
import { createServer, type Server, type ServerOptions } from "../../src/serve/server.ts";

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that listens until the test is over, and ways to ask it. */
export interface TestServer {
  readonly server: Server;
  readonly url: string;
  /** What the operator was told. */
  readonly faults: readonly unknown[];
  readonly post: (target: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
  /** A request whose Host and Origin we choose, which fetch does not allow. */
  readonly raw: (method: string, target: string, headers: Record<string, string>, agent?: Agent) => Promise<RawAnswer>;
  /** Bytes as they come, for requests that are none. */
  readonly rawBytes: (text: string) => Promise<string>;
}

/** Where the model is asked whose answers can be told by hand. */
export const houses = "/v1/models/houses/predict";

/** Serves three small models; predictions are called id-1, id-2 and so on. */
export async function startServer(given: Partial<ServerOptions> = {}): Promise<TestServer> {
  const faults: unknown[] = [];
  let ids = 0;
  const server = await createServer({
    models: fixedModels([housesModel(1), churnModel(), hostileModel()]),
    clock: systemClock,
    version: "1.2.3",
    port: 0,
    createId: () => `id-${++ids}`,
    onFault: (error) => faults.push(error),
    ...given,
  });
  onTestFinished(() => server.close());
  const { url } = await server.listen();
  return {
    server,
    url,
    faults,
    post: (target, body, headers = {}) =>
      fetch(url + target, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    raw: (method, target, headers, agent) =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(url + target, { method, headers, ...(agent ? { agent } : {}) }, (answer) => {
          let body = "";
          answer.setEncoding("utf8").on("data", (part) => (body += part));
          answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, body }));
        });
        sent.on("error", reject).end(method === "POST" ? '{"rows":[{"rooms":1}]}' : undefined);
      }),
    rawBytes: (text) => {
      const { hostname, port } = new URL(url);
      return new Promise((resolve, reject) => {
        let answer = "";
        const socket = connect(Number(port), hostname, () => socket.write(text));
        socket.setEncoding("utf8").on("data", (part) => (answer += part));
        socket.on("close", () => resolve(answer)).on("error", reject);
      });
    },
  };
}

/** The problem document that an answer is, whole and of the status it says. */
export async function problemIn(response: Response): Promise<ProblemDocument> {
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const document = (await response.json()) as ProblemDocument;
  expect(document).toMatchObject({ status: response.status, type: `urn:millrace:error:${document.code}` });
  expect(document.remedy).not.toBe("");
  return document;
}
