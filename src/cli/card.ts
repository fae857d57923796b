import { integerOf } from "./number-option.ts";
import type { Verb } from "./verb.ts";

export const card: Verb = {
  name: "card",
  description:
    "Prints the card of a version as Markdown: data, contract, metrics, slices, gate, leaks, limits, lineage and approvals, from what is recorded.",
  operands: [
    ["<model>", "a model's name"],
    ["[version]", "a version number (default: the champion)"],
  ],
  options: [],
  examples: ["millrace card house-prices > card.md", "millrace card house-prices 3 --json"],
  async run({ operands, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { cardOf } = await import("../app/card.ts");
    const { renderCard } = await import("../registry/card.ts");
    const [model, number] = operands;
    const version = number === undefined ? undefined : integerOf("the version", number, 1, Number.MAX_SAFE_INTEGER);
    const project = await openProject(root, { clock: systemClock });
    try {
      const found = await cardOf(project, model!, version);
      output.line(renderCard(found).trimEnd());
      output.document(found);
      return 0;
    } finally {
      await project.close();
    }
  },
};
