import type { Verb } from "./verb.ts";

export const profile: Verb = {
  name: "profile",
  description:
    "Profiles data: kinds, missing and distinct values, ranges, histograms, outliers, repeated rows, correlations.",
  operands: [["<subject>", "a file, a pattern, an address, a run id, or the digest of a snapshot"]],
  options: [],
  examples: ["millrace profile data/housing.csv", "millrace profile 20260102-030405-ab12"],
  async run({ operands, root, output, signal }) {
    const { profileSubject } = await import("../app/profile.ts");
    const { renderProfile, renderRelations } = await import("../validate/profile-table.ts");
    const found = await profileSubject(root, operands[0]!, signal);
    for (const line of [...renderProfile(found), ...renderRelations(found)]) output.line(line);
    output.document(found);
    return 0;
  },
};
