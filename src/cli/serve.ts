import { serveExported, serveUntilStopped } from "./serve-until-stopped.ts";
import { addressOf, serveOptions } from "./serve-options.ts";
import { textOption, type Verb } from "./verb.ts";

export const serve: Verb = {
  name: "serve",
  description:
    "Serves all champions and logs their predictions; swaps to a new champion without a restart. Never trains.",
  operands: [],
  options: [
    ...serveOptions,
    ["--exported <folder>", "serve what `export docker` wrote there: without a project, a log, or anything written"],
  ],
  examples: ["millrace serve --port 8080"],
  run(call) {
    const exported = textOption(call.options, "exported");
    const address = addressOf(call.options);
    return exported === undefined
      ? serveUntilStopped(call, { ...address, loop: false })
      : serveExported(call, exported, address);
  },
};
