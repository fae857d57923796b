import { MillraceError } from "../core/errors/error.ts";
import { textOption, type Verb } from "./verb.ts";

export const client: Verb = {
  name: "client",
  description:
    "Prints a client of a model's champion, made from its OpenAPI document: a Python module of the standard library alone, or a shell script around curl. TypeScript needs none: `connect<typeof pipeline>()`.",
  operands: [["<model>", "a model's name"]],
  options: [
    ["--lang <language>", "python or curl"],
    ["--url <address>", "where the server is (default http://127.0.0.1:4000)"],
  ],
  examples: ["millrace client churn --lang python > churn_client.py", "millrace client churn --lang curl > churn.sh"],
  async run({ operands, options, root, output }) {
    const { systemClock } = await import("../core/clock.ts");
    const { openProject } = await import("../app/project.ts");
    const { clientOf } = await import("../app/client.ts");
    const lang = textOption(options, "lang");
    if (lang !== "python" && lang !== "curl")
      throw new MillraceError("USAGE", { reason: `--lang must be python or curl, got "${lang ?? ""}"` });
    const url = textOption(options, "url") ?? "http://127.0.0.1:4000";
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new MillraceError("USAGE", {
        reason: `--url must be an address such as http://127.0.0.1:4000, got "${url}"`,
      });
    const project = await openProject(root, { clock: systemClock });
    try {
      const code = await clientOf(project, operands[0]!, { lang, url });
      output.line(code.trimEnd());
      output.document({ model: operands[0], lang, code });
      return 0;
    } finally {
      await project.close();
    }
  },
};
