import { MillraceError } from "../core/errors/error.ts";
import { textOption, type Verb } from "./verb.ts";

export const importVerb: Verb = {
  name: "import",
  description:
    "Registers a model trained by LightGBM (text), XGBoost (JSON or UBJ) or scikit-learn (what --exporter's script writes) as a version.",
  operands: [["[file]", "the model's file"]],
  options: [
    ["--as <name>", "the model to add a version to"],
    ["--target <column>", 'what the target is called (default "target")'],
    ["--labels <json>", "labels in the order of the trainer's classes, as a JSON list of texts"],
    ["--levels <json>", "levels by category column, where the file lists none, as a JSON object of lists"],
    ["--exporter", "print the Python script that exports scikit-learn models"],
  ],
  examples: [
    'millrace import model.ubj --as churn --target churned --labels \'["no", "yes"]\'',
    "millrace import --exporter > millrace_sklearn.py",
  ],
  async run({ operands, options, root, output }) {
    const { importFile, sklearnExporter } = await import("../app/import-model.ts");
    const [file] = operands;
    if (options["exporter"] === true) {
      const script = await sklearnExporter();
      output.line(script.trimEnd());
      output.document({ script });
      return 0;
    }
    const name = textOption(options, "as");
    if (file === undefined || name === undefined)
      throw new MillraceError("USAGE", { reason: "import needs a file and --as, the name of the model" });
    const labels = jsonOption(options["labels"], "labels", isTexts, "a JSON list of texts");
    const levels = jsonOption(options["levels"], "levels", isLevels, "a JSON object of lists of texts");
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const done = await importFile(project, file, { name, target: textOption(options, "target"), labels, levels });
      output.line(
        `${done.model} version ${done.version}: ${done.task} by ${done.from}, reads ${done.inputs.join(", ")}`,
      );
      output.line(`make it the champion with \`millrace promote ${done.model} ${done.version}\``);
      output.document(done);
      return 0;
    } finally {
      await project.close();
    }
  },
};

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isLevels(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isTexts);
}

function jsonOption<T>(
  given: string | boolean | undefined,
  name: string,
  isRight: (value: unknown) => value is T,
  expected: string,
): T | undefined {
  if (typeof given !== "string") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    value = undefined;
  }
  if (!isRight(value)) throw new MillraceError("USAGE", { reason: `--${name} takes ${expected}` });
  return value;
}
