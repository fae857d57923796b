import { MillraceError } from "../core/errors/error.ts";
import { integerOption } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const predict: Verb = {
  name: "predict",
  description: "Predicts one row given as JSON, or every row of a file, with the champion of a model.",
  operands: [
    ["<model>", "a model's name"],
    ["[file]", "CSV, TSV, Parquet, JSON, JSON-lines or Arrow file with the contract's columns"],
  ],
  options: [
    ["--row <json>", "one row as a JSON object"],
    ["--explain", "say what each feature added to each prediction"],
    ["--model-version <n>", "this version instead of the champion"],
    ["-o, --out <file>", "write predictions here (.parquet, .csv or .jsonl) instead of to standard output"],
  ],
  examples: [
    `millrace predict churn --row '{"tenure": 3, "Contract": "One year"}'`,
    "millrace predict churn new-customers.csv -o scores.csv --explain",
  ],
  async run({ operands, options, root, output, signal }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { predictFile, predictRow } = await import("../app/predict.ts");
    const { workProgress } = await import("./progress.ts");
    const { explanationLines } = await import("../app/prediction-format.ts");
    const [model, file] = operands;
    const row = textOption(options, "row");
    if ((row === undefined) === (file === undefined))
      throw new MillraceError("USAGE", { reason: "predict takes either a file or --row" });
    const version = integerOption(options, "modelVersion", 1, Number.MAX_SAFE_INTEGER);
    const explain = options["explain"] === true;
    const project = await openProject(root, { clock: systemClock });
    try {
      if (row !== undefined) {
        const answer = await predictRow(project, model!, row, { version, explain });
        output.line(JSON.stringify(answer.prediction));
        if (answer.explanation) for (const line of explanationLines(answer.explanation)) output.line(line);
        output.document(answer);
        return 0;
      }
      const out = textOption(options, "out");
      const { part, clear } = workProgress(output, systemClock);
      const told = { reading: part("read"), predicting: part("predict") };
      const done = await predictFile(project, model!, file!, { version, out, signal, explain, ...told }).finally(clear);
      for (const line of done.lines) output.line(line);
      if (out !== undefined)
        output.line(`wrote ${done.nRows} predictions of ${model} version ${done.version} to ${out}`);
      if (done.nWarnings > 0) output.progress(`${done.nWarnings} values break rules that only warn\n`);
      output.document({
        model,
        version: done.version,
        nRows: done.nRows,
        nWarnings: done.nWarnings,
        ...(out === undefined ? { predictions: done.predictions } : { out }),
        ...(done.explanations && out === undefined ? { explanations: done.explanations } : {}),
      });
      return 0;
    } finally {
      await project.close();
    }
  },
};
