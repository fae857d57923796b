// `npm run bench` lists the scenarios by their permanent ids; `npm run bench -- ID [--rounds N]` runs one.
import { ensureBuilt, ensureInstalled } from "./setup.mjs";
import { scenarios } from "../benchmarks/scenarios.mjs";

ensureInstalled();
ensureBuilt();

const [id, ...options] = process.argv.slice(2);
if (id === undefined) {
  const width = Math.max(...scenarios.map((scenario) => scenario.id.length));
  for (const scenario of scenarios) console.log(`${scenario.id.padEnd(width)}  ${scenario.title}`);
} else {
  const scenario = scenarios.find((candidate) => candidate.id === id);
  if (!scenario) {
    console.error(`there is no scenario "${id}"; \`npm run bench\` lists them`);
    process.exit(2);
  }
  const rounds = Number(options[options.indexOf("--rounds") + 1] ?? Number.NaN);
  const { run } = await scenario.load();
  process.exitCode = await run({ rounds: options.includes("--rounds") && rounds > 0 ? rounds : undefined });
}
