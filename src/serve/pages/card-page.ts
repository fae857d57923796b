import type { ModelCard } from "../../registry/card.ts";
import type { Html } from "./html.ts";
import { html } from "./html.ts";
import { renderSection } from "./sections.ts";

/** A model's card for people. */
export function cardPage({ model, version, sections }: ModelCard): Html {
  return html`<div class="hero">
      <h1>${model}</h1>
      <p>Version ${version}, as it is recorded. <a href="/v1/models/${encodeURIComponent(model)}/card">Markdown</a></p>
    </div>
    ${sections.map(renderSection)}`;
}
