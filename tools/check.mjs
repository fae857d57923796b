// `npm run check`: types, type tests and their budget, lint, format, import rules, dead exports. Stops at the first that fails.
import { ensureBuilt, ensureInstalled, root, run, tool } from "./setup.mjs";

ensureInstalled();
ensureBuilt();

const steps = [
  ["types", tool("tsc"), ["-p", ".", "--noEmit"]],
  ["types of tests", tool("tsc"), ["-p", "tsconfig.test.json", "--noEmit"]],
  ["type mistakes", process.execPath, ["tools/check-mistakes.mjs"]],
  ["type budget", process.execPath, ["tools/type-budget.mjs"]],
  ["lint", tool("oxlint"), ["--type-aware", "--deny-warnings", "src", "test", "tools", "benchmarks", "examples"]],
  ["format", tool("oxfmt"), ["--check", "."]],
  ["import rules", process.execPath, ["tools/check-rooms.mjs"]],
  ["dead exports", tool("knip"), ["--no-progress"]],
];

for (const [name, command, args] of steps) {
  console.log(`check: ${String(name)}`);
  run(command, args, { cwd: root });
}
console.log("check: all passed");
