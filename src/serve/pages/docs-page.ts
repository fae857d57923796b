import type { JsonObject, JsonValue } from "../../core/json.ts";
import { shellQuote } from "../clients/curl.ts";
import { entriesOf, memberOf } from "../clients/document.ts";
import type { ServedModel } from "../model-source.ts";
import type { Html, HtmlValue } from "./html.ts";
import { html } from "./html.ts";
import { cardPath, tryPath } from "./layout.ts";
import { renderTable } from "./sections.ts";

export interface DocsInput {
  readonly document: JsonObject;
  readonly models: readonly ServedModel[];
  /** Where this server is asked, such as "http://127.0.0.1:8080". */
  readonly origin: string;
}

/** The OpenAPI document for people: every operation with its schema and a command to copy. */
export function docsPage(input: DocsInput): Html {
  const operations = operationsOf(input.document);
  const byTag = new Map<string, Operation[]>();
  for (const operation of operations) byTag.set(operation.tag, [...(byTag.get(operation.tag) ?? []), operation]);
  return html`<div class="hero">
      <h1>API</h1>
      <p>${textOf(memberOf(input.document["info"], "description"))} <a href="/openapi.json">openapi.json</a></p>
    </div>
    ${[...byTag].map(([tag, items]) => renderGroup(tag, items, input))}`;
}

interface Operation {
  readonly id: string;
  readonly tag: string;
  readonly method: string;
  readonly path: string;
  readonly body: JsonObject;
}

function operationsOf(document: JsonObject): Operation[] {
  const found: Operation[] = [];
  for (const [path, methods] of entriesOf(document["paths"]))
    for (const [method, body] of entriesOf(methods)) {
      const tags = memberOf(body, "tags");
      const tag = Array.isArray(tags) ? textOf(tags[0]) : "";
      found.push({ id: textOf(memberOf(body, "operationId")), tag, method, path, body: body as JsonObject });
    }
  return found;
}

function renderGroup(tag: string, operations: readonly Operation[], input: DocsInput): Html {
  const served = input.models.find(({ model }) => model.name === tag);
  const title = served
    ? html`<h2>
        ${tag} <span class="badge">version ${served.version}</span> <a class="try" href="${tryPath(tag)}">Try it</a>
        <a class="try" href="${cardPath(tag)}">Card</a>
      </h2>`
    : html`<h2>${tag}</h2>`;
  return html`<section class="group">
    ${title}${operations.map((operation) => renderOperation(operation, input))}
  </section>`;
}

function renderOperation(operation: Operation, input: DocsInput): Html {
  const { body, method, path } = operation;
  const media = memberOf(memberOf(memberOf(body, "requestBody"), "content"), "application/json");
  const example = memberOf(media, "example");
  const open = example === undefined ? "" : html` open`;
  return html`<details class="card operation" id="${operation.id}" ${open}>
    <summary>
      <span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code>
      <span class="what">${textOf(memberOf(body, "summary"))}</span>
    </summary>
    <p>${textOf(memberOf(body, "description"))}</p>
    ${media && renderRequest(media, input.document)} ${renderCommand(operation, example, input.origin)}
    <h3>Answers</h3>
    <table>
      <thead>
        <tr>
          <th scope="col">status</th>
          <th scope="col">meaning</th>
        </tr>
      </thead>
      <tbody>
        ${entriesOf(body["responses"]).map(
          ([status, answer]) =>
            html`<tr>
              <td><code>${status}</code></td>
              <td>${withCode(textOf(memberOf(answer, "description")))}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

/** Text whose parts between backticks are code. */
function withCode(text: string): readonly HtmlValue[] {
  return text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}

/** The columns of a row as a table: the request schema is always { rows: [row] }. */
function renderRequest(media: JsonValue, document: JsonObject): Html {
  const request = resolve(memberOf(media, "schema"), document);
  const row = resolve(memberOf(memberOf(memberOf(request, "properties"), "rows"), "items"), document);
  const required = memberOf(row, "required");
  const isRequired = (name: string): boolean => Array.isArray(required) && required.includes(name);
  const rows = entriesOf(memberOf(row, "properties")).map(([name, schema]) => [
    html`<code>${name}</code>`,
    typeText(schema),
    ruleText(schema),
    isRequired(name) ? "yes" : "no",
  ]);
  return html`<h3>A row</h3>
    ${renderTable(["column", "type", "rule", "required"], rows)}`;
}

function typeText(schema: JsonValue): string {
  const format = memberOf(schema, "format");
  const type = [memberOf(schema, "type")].flat().map((name) => (name === "null" ? "null" : textOf(name)));
  return `${type.join(" or ")}${format === undefined ? "" : ` (${textOf(format)})`}`;
}

function ruleText(schema: JsonValue): string {
  const levels = memberOf(schema, "enum");
  const bounds = [
    ["minimum", "at least "],
    ["maximum", "at most "],
    ["maxLength", "length at most "],
    ["pattern", "matches "],
    ["description", ""],
  ] as const;
  const rules = bounds.flatMap(([name, text]) => {
    const value = memberOf(schema, name);
    return value === undefined ? [] : [`${text}${textOf(value)}`];
  });
  if (Array.isArray(levels)) {
    const shown = levels.slice(0, 12).map((level) => (level === null ? "null" : textOf(level)));
    rules.push(`one of ${shown.join(", ")}${levels.length > 12 ? ` and ${levels.length - 12} more` : ""}`);
  }
  return rules.join(", ");
}

function renderCommand(operation: Operation, example: JsonValue | undefined, origin: string): Html {
  const target = `${origin}${operation.path}`;
  const data = example === undefined ? "" : JSON.stringify(example, null, 2);
  const command = data
    ? `curl ${shellQuote(target)} \\\n  -H 'content-type: application/json' \\\n  -d ${shellQuote(data)}`
    : `curl ${shellQuote(target)}`;
  const id = `${operation.id}-command`;
  return html`<div class="command">
    <pre id="${id}" tabindex="0">${command}</pre>
    <button type="button" class="quiet copy" data-copy="${id}" hidden>Copy</button>
  </div>`;
}

function textOf(value: JsonValue | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Follows one `#/components/schemas/...` reference. */
function resolve(schema: JsonValue | undefined, document: JsonObject): JsonValue | undefined {
  const reference = memberOf(schema, "$ref");
  if (typeof reference !== "string") return schema;
  return memberOf(memberOf(document["components"], "schemas"), reference.slice(reference.lastIndexOf("/") + 1));
}
