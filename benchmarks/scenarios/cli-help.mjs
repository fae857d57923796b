import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { interleave, printSummary } from "../interleave.mjs";

const limit = 1.6;

export async function run({ rounds = 21 }) {
  const summary = interleave("python3", {
    ours: [process.execPath, path.join(root, "dist", "cli", "main.js"), "--help"],
    theirs: [process.execPath, "-e", "0"],
    rounds,
  });
  printSummary("millrace --help beside node -e 0", summary, rounds);
  return summary.wallS.ratio <= limit ? 0 : 1;
}
