import { integerOf } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const promote: Verb = {
  name: "promote",
  description:
    "Makes a version the champion. A version whose gate failed, or that would refuse requests the champion takes, needs --force and a --reason.",
  operands: [
    ["<model>", "a model's name"],
    ["<version>", "a version number"],
  ],
  options: [
    ["--reason <text>", "why; kept in the audit log"],
    ["--force", "promote although the gate failed or callers would be refused"],
  ],
  examples: ["millrace promote house-prices 3 --reason 'reviewed by the pricing team'"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { promoteVersion } = await import("../app/models.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const version = integerOf("the version", operands[1]!, 1, Number.MAX_SAFE_INTEGER);
      const result = await promoteVersion(project, operands[0]!, version, {
        reason: textOption(options, "reason"),
        force: options["force"] === true,
      });
      output.line(`${result.model} version ${result.version} is the champion`);
      output.document(result);
      return 0;
    } finally {
      await project.close();
    }
  },
};
