import { MillraceError } from "../core/errors/error.ts";
import { integerOf } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const alias: Verb = {
  name: "alias",
  description:
    "Lets a name stand at a version, which then answers under /v1/models/MODEL@NAME beside the champion; with --remove it stands at none.",
  operands: [
    ["<model>", "a model's name"],
    ["<name>", "small letters, digits and -"],
    ["[version]", "a version number"],
  ],
  options: [
    ["--remove", "take the name away"],
    ["--reason <text>", "why; kept in the audit log"],
  ],
  examples: ["millrace alias house-prices stable 3", "millrace alias house-prices stable --remove"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { setAlias } = await import("../app/registry.ts");
    const [model, name, number] = operands;
    const isRemoved = options["remove"] === true;
    if (isRemoved === (number !== undefined))
      throw new MillraceError("USAGE", { reason: "alias takes either a version or --remove" });
    const version = number === undefined ? null : integerOf("the version", number, 1, Number.MAX_SAFE_INTEGER);
    const project = await openProject(root, { clock: systemClock });
    try {
      const result = await setAlias(project, model!, name!, version, textOption(options, "reason"));
      output.line(`${model}@${name} ${version === null ? "is taken away" : `is version ${version}`}`);
      output.document(result);
      return 0;
    } finally {
      await project.close();
    }
  },
};
