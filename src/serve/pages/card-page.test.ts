import { describe, expect, it } from "vitest";
import { housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { renderCard } from "../../registry/card.ts";
import type { ModelCard } from "../../registry/card.ts";
import { fixedModels } from "../model-source.ts";
import { createServer } from "../server.ts";

const hostile = "<img src=x onerror=alert(1)> | `rm` [a](javascript:b) *x* &amp;\n# heading";
const card: ModelCard = {
  model: "houses",
  version: 1,
  sections: [{ heading: hostile, lines: [hostile], table: { head: ["column"], rows: [[hostile], ["plain_name"]] } }],
};

describe("a card", () => {
  it("is Markdown in which names stay names", () => {
    const lines = renderCard(card).split("\n");
    const escaped = String.raw`\<img src=x onerror=alert(1)\> \| \`rm\` \[a\](javascript:b) \*x\* \&amp; # heading`;
    expect(lines).toEqual([
      "# houses, version 1",
      "",
      `## ${escaped}`,
      "",
      `- ${escaped}`,
      "",
      "| column |",
      "| --- |",
      `| ${escaped} |`,
      "| plain_name |",
      "",
    ]);
  });

  it("is a page of the version that is live, and nothing in it becomes markup", async () => {
    const asked: unknown[] = [];
    const server = await createServer({
      models: fixedModels([housesModel(1)]),
      clock: systemClock,
      version: "1",
      port: 0,
      card: async (...which) => {
        asked.push(which);
        return card;
      },
    });
    const { url } = await server.listen();
    const page = await (await fetch(`${url}/models/houses/card`)).text();
    expect(page).toContain("&lt;img src=x");
    expect(page).not.toContain("<img src=x");
    const markdown = await fetch(`${url}/v1/models/houses/card`);
    expect([markdown.headers.get("content-type"), await markdown.text()]).toEqual([
      "text/markdown; charset=utf-8",
      renderCard(card),
    ]);
    expect((await fetch(`${url}/models/nobody/card`)).status).toBe(404);
    expect(asked).toEqual([
      ["houses", 1],
      ["houses", 1],
    ]);
    await server.close();
  });
});
