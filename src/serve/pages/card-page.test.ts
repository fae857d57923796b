import { describe, expect, it } from "vitest";
import { housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { renderCard } from "../../registry/card.ts";
import type { ModelCard } from "../../registry/card.ts";
import { fixedModels } from "../model-source.ts";
import { createServer } from "../server.ts";
import { cardPage } from "./card-page.ts";

const hostile = "<img src=x onerror=alert(1)> | `rm` [a](javascript:b) *x* &amp;\n# heading";
const card: ModelCard = {
  model: "houses",
  version: 1,
  sections: [{ heading: hostile, lines: [hostile], table: { head: ["column"], rows: [[hostile], ["plain_name"]] } }],
};

const drawn: ModelCard = {
  model: "houses",
  version: 1,
  sections: [
    {
      heading: "What it leans on",
      lines: [],
      table: {
        head: ["feature"],
        rows: [["area"], ["rooms"], ["year"]],
        bars: [{ from: 0, to: 1 }, { from: 0.5, to: 0.75 }, null],
      },
      curve: {
        x: "said <on> average",
        y: "came true",
        points: [
          { x: 0.25, y: 0.5, share: 0.2 },
          { x: 1, y: 1, share: 0.8 },
        ],
      },
    },
  ],
};

describe("what a card draws", () => {
  it("is blocks beside the rows in Markdown", () => {
    expect(renderCard(drawn).split("\n").slice(4, -1)).toEqual([
      "| feature |  |",
      "| --- | --- |",
      `| area | ${"█".repeat(20)} |`,
      `| rooms | ${"░".repeat(10)}${"█".repeat(5)}${"░".repeat(5)} |`,
      "| year |  |",
    ]);
  });

  it("is bars and points in a page, the larger the more rows stand behind them", () => {
    const { markup } = cardPage(drawn);
    expect(markup.match(/<rect x="[^"]*" width="[^"]*"/g)).toEqual([
      '<rect x="0.00%" width="100.00%"',
      '<rect x="50.00%" width="25.00%"',
    ]);
    const circles = [...markup.matchAll(/<circle cx="([^"]*)" cy="([^"]*)" r="([^"]*)"/g)].map((found) =>
      found.slice(1),
    );
    expect(circles).toEqual([
      ["55.0", "110.0", "5.8"],
      ["220.0", "0.0", "9.0"],
    ]);
    expect(markup).toContain('aria-label="came true by said &lt;on&gt; average"');
  });
});

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
