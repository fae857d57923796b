import { integerOf } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const approve: Verb = {
  name: "approve",
  description:
    "Approves a version as one of the reviewers its definition names, or takes the approval back. Says what is still missing before it may be promoted.",
  operands: [
    ["<model>", "a model's name"],
    ["<version>", "a version number"],
  ],
  options: [
    ["--by <name>", "who approves (default: the user of this machine)"],
    ["--reason <text>", "why; kept in the audit log"],
    ["--withdraw", "take the approval back"],
  ],
  examples: ["millrace approve house-prices 3 --by ann --reason 'checked the north slice'"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { approveVersion } = await import("../app/registry.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const version = integerOf("the version", operands[1]!, 1, Number.MAX_SAFE_INTEGER);
      const state = await approveVersion(project, operands[0]!, version, {
        by: textOption(options, "by"),
        reason: textOption(options, "reason"),
        isWithdrawn: options["withdraw"] === true,
      });
      for (const { by, roles, reason } of state.given)
        output.line(`${by} approved for ${roles.join(", ")}${reason === "" ? "" : `: ${reason}`}`);
      output.line(
        state.missing.length === 0
          ? `${operands[0]} version ${version} may be promoted`
          : `missing: ${state.missing.join("; ")}`,
      );
      output.document({ model: operands[0], version, ...state });
      return 0;
    } finally {
      await project.close();
    }
  },
};
