import type { Verb } from "./verb.ts";

export const models: Verb = {
  name: "models",
  description: "Lists models with their versions, verdicts and champion, or one model with its history.",
  operands: [["[model]", "a model's name"]],
  options: [],
  examples: ["millrace models", "millrace models house-prices --json"],
  async run({ operands, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { describeModels } = await import("../app/models.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const found = await describeModels(project, operands[0]);
      for (const model of found) {
        output.line(model.model);
        for (const version of model.versions) {
          const marks = [
            version.version === model.champion ? "champion" : "",
            version.gatePassed ? "gate passed" : "gate failed",
          ];
          const when = new Date(version.createdAt).toISOString();
          output.line(
            `  version ${version.version}  ${when}  run ${version.runId}  ${marks.filter(Boolean).join(", ")}`,
          );
        }
      }
      if (found.length === 0) output.line("no models yet");
      output.document({ models: found });
      return 0;
    } finally {
      await project.close();
    }
  },
};
