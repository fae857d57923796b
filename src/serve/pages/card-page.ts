import type { CardSection, ModelCard } from "../../registry/card.ts";
import type { Html } from "./html.ts";
import { html } from "./html.ts";

/** A model's card for people. */
export function cardPage({ model, version, sections }: ModelCard): Html {
  return html`<div class="hero">
      <h1>${model}</h1>
      <p>Version ${version}, as it is recorded. <a href="/v1/models/${encodeURIComponent(model)}/card">Markdown</a></p>
    </div>
    ${sections.map(renderSection)}`;
}

function renderSection({ heading, lines, table }: CardSection): Html {
  const list =
    lines.length > 0 &&
    html`<ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
  const rows =
    table &&
    html`<div class="scroll" tabindex="0">
      <table>
        <thead>
          <tr>
            ${table.head.map((cell) => html`<th scope="col">${cell}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${table.rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  return html`<section class="group">
    <h2>${heading}</h2>
    ${list} ${rows}
  </section>`;
}
