import type { Verb } from "./verb.ts";

export const diff: Verb = {
  name: "diff",
  description: "Compares two sets of data: rows, columns that came and went, and how far each other one moved.",
  operands: [
    ["<before>", "a file, a pattern, an address, a run id, or the digest of a snapshot"],
    ["<after>", "the same"],
  ],
  options: [],
  examples: ["millrace diff data/january.csv data/february.csv"],
  async run({ operands, root, output, signal }) {
    const { diffSubjects } = await import("../app/profile.ts");
    const { renderComparison } = await import("../validate/compare.ts");
    const comparison = await diffSubjects(root, operands[0]!, operands[1]!, signal);
    for (const line of renderComparison(comparison)) output.line(line);
    output.document(comparison);
    return 0;
  },
};
