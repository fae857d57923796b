import { serveUntilStopped } from "./serve-until-stopped.ts";
import { addressOf, serveOptions } from "./serve-options.ts";
import type { Verb } from "./verb.ts";

export const serve: Verb = {
  name: "serve",
  description:
    "Serves all champions and logs their predictions; swaps to a new champion without a restart. Never trains.",
  operands: [],
  options: serveOptions,
  examples: ["millrace serve --port 8080"],
  run: (call) => serveUntilStopped(call, { ...addressOf(call.options), loop: false }),
};
