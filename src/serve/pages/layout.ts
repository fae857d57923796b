import type { ServedModel } from "../model-source.ts";
import type { Html } from "./html.ts";
import { html } from "./html.ts";

export interface PageInput {
  readonly title: string;
  readonly models: readonly ServedModel[];
  /** Whether this server has pages of runs. */
  readonly hasRuns: boolean;
  /** Path of the page, to mark it in the navigation. */
  readonly path: string;
  readonly content: Html;
  readonly script: "docs.js" | "try.js";
}

/** The path of a model's form page. */
export function tryPath(model: string): string {
  return `/models/${encodeURIComponent(model)}/try`;
}

/** The path of a model's card. */
export function cardPath(model: string): string {
  return `/models/${encodeURIComponent(model)}/card`;
}

/** The path of the page that lists runs. */
export const runsPath = "/runs";

/** The path of a run's page. */
export function runPath(runId: string): string {
  return `${runsPath}/${encodeURIComponent(runId)}`;
}

function navigationLink(path: string, current: string, text: string): Html {
  return path === current
    ? html`<a href="${path}" aria-current="page">${text}</a>`
    : html`<a href="${path}">${text}</a>`;
}

/** A whole page: head, navigation, content. Styles and scripts are files of this server; nothing stands inline. */
export function renderPage(input: PageInput): string {
  const { models, path } = input;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${input.title} · Millrace</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/assets/app.css" />
        <script src="/assets/${input.script}" defer></script>
      </head>
      <body>
        <a class="skip" href="#content">Skip to content</a>
        <header class="top">
          <a class="brand" href="/docs"><img src="/assets/icon.svg" alt="" width="26" height="26" />Millrace</a>
          <nav aria-label="Pages">
            ${navigationLink("/docs", path, "API")} ${input.hasRuns && navigationLink(runsPath, path, "Runs")}
            ${models.map(({ model }) => navigationLink(tryPath(model.name), path, model.name))}
          </nav>
        </header>
        <main id="content" tabindex="-1">${input.content}</main>
      </body>
    </html> `;
  return page.markup;
}
