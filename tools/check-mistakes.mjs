// Every planted mistake of test/types/mistakes.ts and engine.ts must give exactly one error, on its own line, and nothing else may:
// not its corrected twin, not the statements of test/types/inference.ts. Checked against the emitted declarations.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { compileAsUser, withDeclarations } from "./declarations.mjs";

const tests = fileURLToPath(new URL("../test/types/", import.meta.url));
const marker = "// @ts-expect-error";
const names = ["mistakes.ts", "engine.ts", "inference.ts", "housing.pipeline.ts"];

const faults = withDeclarations((folder) => {
  const expected = new Map();
  for (const name of names) {
    const text = fs.readFileSync(path.join(tests, name), "utf8").replaceAll("../../src/index.ts", "./types/index.js");
    const lines = text.split("\n");
    lines.forEach((line, i) => {
      if (line.trim() === marker) expected.set(`${name}:${i + 2}`, 0);
    });
    fs.writeFileSync(path.join(folder, name), lines.map((line) => line.replace(marker, "//")).join("\n"));
  }
  const { output } = compileAsUser(folder, names);
  const faults = [];
  for (const line of output.split("\n")) {
    const match = /^(?:.*[\\/])?([\w.-]+)\((\d+),\d+\): error (.*)$/.exec(line);
    if (!match) {
      if (line.startsWith("error")) faults.push(line);
      continue;
    }
    const place = `${match[1]}:${match[2]}`;
    if (expected.has(place)) expected.set(place, expected.get(place) + 1);
    else faults.push(`${place} should compile: ${match[3]}`);
  }
  for (const [place, count] of expected) if (count !== 1) faults.push(`${place} should give one error, gave ${count}`);
  if (expected.size === 0) faults.push("there is no planted mistake");
  console.log(`type mistakes: ${expected.size} planted, ${faults.length} wrong`);
  return faults;
});

for (const fault of faults) console.error(`  ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
