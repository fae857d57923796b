import { textOption, type Verb } from "./verb.ts";

export const rollback: Verb = {
  name: "rollback",
  description: "Makes the version that was champion before the champion again.",
  operands: [["<model>", "a model's name"]],
  options: [["--reason <text>", "why; kept in the audit log"]],
  examples: ["millrace rollback house-prices --reason 'complaints about high prices'"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { rollBack } = await import("../app/models.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const result = await rollBack(project, operands[0]!, textOption(options, "reason"));
      output.line(`${result.model} is rolled back: version ${result.version} is the champion`);
      output.document(result);
      return 0;
    } finally {
      await project.close();
    }
  },
};
