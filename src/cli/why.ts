import type { Verb } from "./verb.ts";

const shownLength = 60;

export const why: Verb = {
  name: "why",
  description:
    "Says why each step of a run ran or was answered from the cache: every part of what it depends on, then and now.",
  operands: [
    ["<run>", "a run id, or a pipeline for its newest run"],
    ["[step]", "one step, with every part of its key"],
  ],
  options: [],
  examples: ["millrace why 20260102-030405-ab12", "millrace why 20260102-030405-ab12 train"],
  async run({ operands, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { runCalled } = await import("../engine/runs.ts");
    const { explainRun } = await import("../engine/why.ts");
    const project = await openProject(root, { clock: systemClock });
    try {
      const step = operands[1];
      const run = await runCalled(project.store, operands[0]!);
      const reasons = await explainRun(project.store, run, step);
      for (const { step: name, status, reason, changes, comparedWith, parts } of reasons) {
        output.line(`${name.padEnd(12)} ${status.padEnd(8)} ${reason}`);
        for (const change of changes)
          output.line(`    ${change.part}: ${short(change.before)} -> ${short(change.now)}`);
        if (changes.length > 0) output.line(`    compared with run ${comparedWith}`);
        const changed = new Set(changes.map(({ part }) => part));
        if (step !== undefined)
          for (const [part, value] of Object.entries(parts))
            if (!changed.has(part)) output.line(`    ${part}: ${short(value)} (unchanged)`);
      }
      output.document({ run, steps: reasons });
      return 0;
    } finally {
      await project.close();
    }
  },
};

function short(text: string | null): string {
  if (text === null) return "(none)";
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text.slice(0, 19);
  return text.length > shownLength ? `${text.slice(0, shownLength - 3)}...` : text;
}
