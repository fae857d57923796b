// The import rules of the house (docs/directory.md): rooms import lower floors only, the browser-safe rooms import no platform,
// serve loads no training code, nobody writes `export *` or a default export, nothing is cyclic.
import fs from "node:fs";
import path from "node:path";
import { root } from "./setup.mjs";

const floors = JSON.parse(fs.readFileSync(path.join(root, "tools", "rooms.json"), "utf8"));
const browserSafe = new Set(["core", "math", "frame", "model", "metrics"]);
const source = path.join(root, "src");
const problems = [];
const graph = new Map();

function* filesUnder(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(full);
    else if (entry.name.endsWith(".ts")) yield full;
  }
}

function roomOf(file) {
  const parts = path.relative(source, file).split(path.sep);
  return parts.length === 1 ? undefined : parts[0];
}

function checkImport(file, specifier, isTypeOnly) {
  const where = path.relative(root, file);
  const room = roomOf(file);
  const isTest = file.endsWith(".test.ts");
  if (!specifier.startsWith(".")) {
    if (room && browserSafe.has(room) && !isTest)
      problems.push(`${where}: ${room} runs in a browser and must not import "${specifier}"`);
    return;
  }
  const target = path.resolve(path.dirname(file), specifier);
  if (!isTypeOnly && !isTest) graph.get(file).push(target);
  const targetRoom = roomOf(target);
  if (!room || isTest || targetRoom === room) return;
  if (!targetRoom) problems.push(`${where}: rooms do not import the public surface ("${specifier}")`);
  else if (!(targetRoom in floors)) problems.push(`${where}: "${targetRoom}" is not in tools/rooms.json`);
  else if (floors[targetRoom] >= floors[room])
    problems.push(
      `${where}: ${room} (floor ${floors[room]}) must not import ${targetRoom} (floor ${floors[targetRoom]})`,
    );
  else if (room === "serve" && targetRoom === "train") problems.push(`${where}: serve loads no training code`);
}

function checkFile(file) {
  const where = path.relative(root, file);
  const text = fs.readFileSync(file, "utf8");
  const room = roomOf(file);
  graph.set(file, []);
  if (room && !(room in floors)) problems.push(`${where}: room "${room}" is not in tools/rooms.json`);
  for (const [, type, specifier] of text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm))
    checkImport(file, specifier, Boolean(type));
  for (const [, specifier] of text.matchAll(/\bimport\("([^"]+)"\)/g)) checkImport(file, specifier, true);
  if (file.endsWith(".test.ts")) return;
  if (/^export \* /m.test(text)) problems.push(`${where}: export * hides what is public`);
  if (/^export default /m.test(text)) problems.push(`${where}: default exports are for users' pipeline files`);
  if (room !== "core" && /\b(Math\.random|Date\.now|performance\.now)\(/.test(text))
    problems.push(`${where}: randomness and time are arguments (Rng, Clock)`);
}

function checkCycles() {
  const state = new Map();
  const visit = (file, trail) => {
    if (state.get(file) === "done" || !graph.has(file)) return;
    if (state.get(file) === "open") {
      problems.push(
        `cycle: ${[...trail.slice(trail.indexOf(file)), file].map((f) => path.relative(root, f)).join(" -> ")}`,
      );
      return;
    }
    state.set(file, "open");
    for (const next of graph.get(file)) visit(next, [...trail, file]);
    state.set(file, "done");
  };
  for (const file of graph.keys()) visit(file, []);
}

for (const file of filesUnder(source)) checkFile(file);
checkCycles();
for (const problem of problems) console.error(problem);
console.log(`import rules: ${graph.size} files, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
