import { integerOf } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const archive: Verb = {
  name: "archive",
  description: "Puts a version away for good: it stays readable, and is never champion again. The champion is refused.",
  operands: [
    ["<model>", "a model's name"],
    ["<version>", "a version number"],
  ],
  options: [["--reason <text>", "why; kept in the audit log"]],
  examples: ["millrace archive house-prices 2 --reason 'trained on wrong prices'"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { archiveVersion } = await import("../app/registry.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const version = integerOf("the version", operands[1]!, 1, Number.MAX_SAFE_INTEGER);
      const result = await archiveVersion(project, operands[0]!, version, textOption(options, "reason"));
      output.line(`${result.model} version ${result.version} is archived`);
      output.document(result);
      return 0;
    } finally {
      await project.close();
    }
  },
};
