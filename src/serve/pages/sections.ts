import type { CardSection, CardTable } from "../../registry/card.ts";
import { renderBar, renderCurve } from "./drawing.ts";
import type { Html, HtmlValue } from "./html.ts";
import { html } from "./html.ts";

/** A part of a record for people. */
export function renderSection({ heading, lines, table, curve }: CardSection): Html {
  const list =
    lines.length > 0 &&
    html`<ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
  return html`<section class="group">
    <h2>${heading}</h2>
    ${list} ${curve && renderCurve(curve)} ${table && renderTable(...withBars(table))}
  </section>`;
}

function withBars({ head, rows, bars }: CardTable): [head: readonly string[], rows: readonly (readonly HtmlValue[])[]] {
  if (!bars) return [head, rows];
  return [[...head, ""], rows.map((row, i) => [...row, renderBar(bars[i])])];
}

/** A table that scrolls by itself where it is wider than the page. */
export function renderTable(head: readonly string[], rows: readonly (readonly HtmlValue[])[]): Html {
  return html`<div class="scroll" tabindex="0">
    <table>
      <thead>
        <tr>
          ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
