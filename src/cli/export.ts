import { MillraceError } from "../core/errors/error.ts";
import { integerOf } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const exportVerb: Verb = {
  name: "export",
  description:
    "Writes a model for use without this package. `module`: one ES module without imports, preparation and model in it, for browsers, edge workers and functions, with its types beside it.",
  operands: [
    ["<form>", "module"],
    ["<model>", "a model's name, its champion; or name@version"],
  ],
  options: [["-o, --out <file>", "where to write it"]],
  examples: ["millrace export module churn -o churn.mjs", "millrace export module churn@3 -o site/churn.js --json"],
  async run({ operands, options, root, output }) {
    const [form, wanted] = operands;
    if (form !== "module")
      throw new MillraceError("USAGE", { reason: `there is no form "${form}" to export; there is module` });
    const out = textOption(options, "out");
    if (out === undefined) throw new MillraceError("USAGE", { reason: "export needs --out, where to write" });
    const { model, version } = versionedName(wanted!);
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { exportModule } = await import("../app/export-module.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const done = await exportModule(project, model, version, out);
      const size = `${Math.ceil(done.bytes / 1000)} kB, ${Math.ceil(done.runtimeBytes / 1000)} of them code`;
      output.line(
        `wrote ${done.model} version ${done.version} to ${done.file} (${size}) and its types to ${done.types}`,
      );
      output.document(done);
      return 0;
    } finally {
      await project.close();
    }
  },
};

/** "churn@3" as a name and a version; a name alone means its champion. */
function versionedName(text: string): { readonly model: string; readonly version: number | undefined } {
  const at = text.lastIndexOf("@");
  if (at <= 0) return { model: text, version: undefined };
  const version = integerOf("the version after @", text.slice(at + 1), 1, Number.MAX_SAFE_INTEGER);
  return { model: text.slice(0, at), version };
}
