import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import type { ServerLimits } from "../limits.ts";
import type { ModelSource } from "../model-source.ts";
import { openApiOf } from "../openapi.ts";
import { servedModel } from "../predict-route.ts";
import { docsPage } from "./docs-page.ts";
import { renderPage, tryPath } from "./layout.ts";
import { tryPage } from "./try-page.ts";

export interface PagesContext {
  readonly models: ModelSource;
  readonly version: string;
  readonly limits: ServerLimits;
}

const assets = [
  ["app.css", "text/css; charset=utf-8"],
  ["docs.js", "text/javascript; charset=utf-8"],
  ["try.js", "text/javascript; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
] as const;

const htmlType = "text/html; charset=utf-8";

/** The pages for people, and their files, which are read once. */
export async function addPages(app: FastifyInstance, context: PagesContext): Promise<void> {
  const { models, version, limits } = context;
  for (const [name, type] of assets) {
    const content = await readFile(new URL(`../assets/${name}`, import.meta.url));
    app.get(`/assets/${name}`, { config: { access: "open" } }, (_, reply) => reply.type(type).send(content));
  }
  app.get("/", { config: { access: "open" } }, (_, reply) => reply.redirect("/docs"));
  app.get("/docs", { config: { access: "read" } }, (request, reply) => {
    const served = models.list();
    const document = openApiOf({ models: served, version, limits });
    const content = docsPage({ document, models: served, origin: `${request.protocol}://${request.host}` });
    return reply
      .type(htmlType)
      .send(renderPage({ title: "API", models: served, path: "/docs", content, script: "docs.js" }));
  });
  app.get<{ Params: { name: string } }>("/models/:name/try", { config: { access: "predict" } }, (request, reply) => {
    const served = servedModel(models, request.params.name);
    const { name } = served.model;
    const page = { title: name, models: models.list(), path: tryPath(name), content: tryPage(served) };
    return reply.type(htmlType).send(renderPage({ ...page, script: "try.js" }));
  });
}
