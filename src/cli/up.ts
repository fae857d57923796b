import { serveUntilStopped } from "./serve-until-stopped.ts";
import { addressOf, serveOptions } from "./serve-options.ts";
import type { Verb } from "./verb.ts";

export const up: Verb = {
  name: "up",
  description:
    "Serves all champions, logs and watches their predictions, and retrains as the pipelines' `retrain` says; one process.",
  operands: [],
  options: serveOptions,
  examples: ["millrace up", "millrace up --port 8080"],
  run: (call) => serveUntilStopped(call, { ...addressOf(call.options), loop: true }),
};
