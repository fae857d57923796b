import { textOption, type Verb } from "./verb.ts";

export const registry: Verb = {
  name: "registry",
  description:
    "Shows every model with its champion, aliases, rollout, versions and tags, now or as it was at a time, from the audit log.",
  operands: [],
  options: [["--at <time>", "as it was then: an ISO 8601 time such as 2026-01-31T12:00:00Z"]],
  examples: ["millrace registry", "millrace registry --at 2026-01-31T12:00:00Z --json"],
  async run({ options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { registryAt } = await import("../app/registry.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const found = await registryAt(project, textOption(options, "at"));
      for (const { model, champion, aliases, rollout, versions } of found.models) {
        const named = Object.entries(aliases).map(([alias, version]) => `${alias} ${version}`);
        const beside = rollout ? [`${rollout.kind} ${rollout.version} at ${rollout.percent} %`] : [];
        const live = [champion === null ? "no champion" : `champion ${champion}`, ...named, ...beside];
        output.line(`${model}: ${live.join(", ")}`);
        for (const { version, gatePassed, isArchived, tags } of versions) {
          const marks = [gatePassed ? "gate passed" : "gate failed", ...(isArchived ? ["archived"] : [])];
          const tagged = Object.entries(tags).map(([tag, value]) => `${tag}=${value}`);
          output.line(`  version ${version}  ${[...marks, ...tagged].join(", ")}`);
        }
      }
      if (found.models.length === 0) output.line("no models");
      output.document(found);
      return 0;
    } finally {
      await project.close();
    }
  },
};
