import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { MillraceError } from "../../core/errors/error.ts";
import { renderCard } from "../../registry/card.ts";
import type { ModelCard } from "../../registry/card.ts";
import type { ServerLimits } from "../limits.ts";
import { type ModelSource, servedModel } from "../model-source.ts";
import { openApiOf } from "../openapi.ts";
import { cardPage } from "./card-page.ts";
import { docsPage } from "./docs-page.ts";
import { type PageInput, renderPage, runsPath, tryPath } from "./layout.ts";
import type { RunSource } from "./run-page.ts";
import { runPage, runsPage } from "./run-page.ts";
import { tryPage } from "./try-page.ts";

export interface PagesContext {
  readonly models: ModelSource;
  readonly version: string;
  readonly limits: ServerLimits;
  /** The card of a version; null = this server shows none. */
  readonly card: ((model: string, version: number) => Promise<ModelCard>) | null;
  /** Null = this server shows no runs. */
  readonly runs: RunSource | null;
}

const assets = [
  ["app.css", "text/css; charset=utf-8"],
  ["docs.js", "text/javascript; charset=utf-8"],
  ["try.js", "text/javascript; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
] as const;

const htmlType = "text/html; charset=utf-8";

type PageOf = (page: Omit<PageInput, "models" | "hasRuns">) => string;

/** The pages for people, and their files, which are read once. */
export async function addPages(app: FastifyInstance, context: PagesContext): Promise<void> {
  const { models, runs } = context;
  const pageOf: PageOf = (page) => renderPage({ ...page, models: models.list(), hasRuns: runs !== null });
  for (const [name, type] of assets) {
    const content = await readFile(new URL(`../assets/${name}`, import.meta.url));
    app.get(`/assets/${name}`, { config: { access: "open" } }, (_, reply) => reply.type(type).send(content));
  }
  app.get("/", { config: { access: "open" } }, (_, reply) => reply.redirect("/docs"));
  addApiPages(app, context, pageOf);
  addCards(app, context, pageOf);
  addRunPages(app, runs, pageOf);
}

/** What the API takes, and a form to try it. */
function addApiPages(app: FastifyInstance, { models, version, limits }: PagesContext, pageOf: PageOf): void {
  app.get("/docs", { config: { access: "read" } }, (request, reply) => {
    const served = models.list();
    const document = openApiOf({ models: served, version, limits });
    const content = docsPage({ document, models: served, origin: `${request.protocol}://${request.host}` });
    return reply.type(htmlType).send(pageOf({ title: "API", path: "/docs", content, script: "docs.js" }));
  });
  app.get<{ Params: { name: string } }>("/models/:name/try", { config: { access: "predict" } }, (request, reply) => {
    const served = servedModel(models, request.params.name);
    const { name } = served.model;
    const page = { title: name, path: tryPath(name), content: tryPage(served) };
    return reply.type(htmlType).send(pageOf({ ...page, script: "try.js" }));
  });
}

/** The card of the version that is live, as Markdown and as a page. */
function addCards(app: FastifyInstance, { models, card }: PagesContext, pageOf: PageOf): void {
  const cardFor = (name: string): Promise<ModelCard> => {
    const served = servedModel(models, name);
    if (!card) throw keepsNoRecords();
    return card(served.model.name, served.version);
  };
  app.get<{ Params: { name: string } }>(
    "/v1/models/:name/card",
    { config: { access: "read" } },
    async (request, reply) =>
      reply.type("text/markdown; charset=utf-8").send(renderCard(await cardFor(request.params.name))),
  );
  app.get<{ Params: { name: string } }>(
    "/models/:name/card",
    { config: { access: "read" } },
    async (request, reply) => {
      const found = await cardFor(request.params.name);
      const page = { title: found.model, path: request.url, content: cardPage(found) };
      return reply.type(htmlType).send(pageOf({ ...page, script: "docs.js" }));
    },
  );
}

function addRunPages(app: FastifyInstance, runs: RunSource | null, pageOf: PageOf): void {
  app.get(runsPath, { config: { access: "data" } }, async (_, reply) => {
    if (!runs) throw keepsNoRecords();
    const content = runsPage(await runs.list());
    return reply.type(htmlType).send(pageOf({ title: "Runs", path: runsPath, content, script: "docs.js" }));
  });
  app.get<{ Params: { run: string } }>(`${runsPath}/:run`, { config: { access: "data" } }, async (request, reply) => {
    if (!runs) throw keepsNoRecords();
    const found = await runs.report(request.params.run);
    const page = { title: found.workflow, path: request.url, content: runPage(found) };
    return reply.type(htmlType).send(pageOf({ ...page, script: "docs.js" }));
  });
}

function keepsNoRecords(): MillraceError {
  return new MillraceError("NOT_READY", { reason: "it keeps no records" });
}
