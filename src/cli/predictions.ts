import { integerOption } from "./number-option.ts";
import { textOption, type Verb } from "./verb.ts";

export const predictions: Verb = {
  name: "predictions",
  description: "Asks the prediction log what was answered: newest last, one line an answer.",
  operands: [["[model]", "a model's name (default: every model)"]],
  options: [
    ["--since <when>", "from then on: a duration ago, such as 2h, or a time such as 2026-01-31T12:00:00Z"],
    ["--until <when>", "before then"],
    ["--model-version <n>", "answers of this version only"],
    ["--where <conditions>", "column=value, with =, !=, <, <=, >, >=, joined by and; also prediction, id, latencyMs"],
    ["--limit <n>", "the newest n of each model (default 100)"],
  ],
  examples: [
    "millrace predictions churn --since 2h --where 'plan=basic and prediction=true'",
    "millrace predictions --limit 1000 --json",
  ],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { findPredictions } = await import("../app/predictions.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const models = await findPredictions(project, operands[0], {
        since: textOption(options, "since"),
        until: textOption(options, "until"),
        version: integerOption(options, "modelVersion", 1, Number.MAX_SAFE_INTEGER),
        limit: integerOption(options, "limit", 1, 1_000_000) ?? 100,
        where: textOption(options, "where"),
      });
      for (const { model, predictions: entries, isLimited, rejected, damaged } of models) {
        output.line(`${model}: ${entries.length}${isLimited ? " newest" : ""}, ${rejected} rows refused`);
        if (damaged > 0) output.line(`  ${damaged} damaged lines were passed over`);
        for (const { id, time, version, inputs, output: answer } of entries)
          output.line(
            `  ${new Date(time).toISOString()}  ${id}  version ${version}  ${JSON.stringify(inputs)} -> ${JSON.stringify(answer)}`,
          );
      }
      if (models.length === 0) output.line("no predictions were logged yet");
      output.document({ models });
      return 0;
    } finally {
      await project.close();
    }
  },
};
