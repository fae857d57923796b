import { integerOf } from "./number-option.ts";
import type { Verb } from "./verb.ts";

export const tag: Verb = {
  name: "tag",
  description: "Sets tags of a version, or takes them off where nothing follows the =.",
  operands: [
    ["<model>", "a model's name"],
    ["<version>", "a version number"],
    ["<tags...>", "name=value, or name= to take it off"],
  ],
  options: [],
  examples: ["millrace tag house-prices 3 market=north", "millrace tag house-prices 3 market="],
  async run({ operands, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { tagVersion } = await import("../app/registry.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const [model, number, ...tags] = operands;
      const version = integerOf("the version", number!, 1, Number.MAX_SAFE_INTEGER);
      const result = await tagVersion(project, model!, version, tags);
      const said = Object.entries(result.tags).map(([name, value]) => `${name}=${value}`);
      output.line(`${result.model} version ${result.version}: ${said.join(", ") || "no tags"}`);
      output.document(result);
      return 0;
    } finally {
      await project.close();
    }
  },
};
