// Bundles what exported modules run (src/export/module/runtime.ts) into scripts without imports, beside the compiled file:
// `node tools/module-runtime.mjs DIST`. One scores every kind of model, and one trees alone, which most models are: what an
// engine need not read, a cold start need not wait for.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const dist = path.resolve(process.argv[2]);
const input = path.join(dist, "export", "module", "runtime.js");
const errors = path.join(dist, "core", "errors", "error.js");

/** What WebAssembly does for many rows, which edge workers refuse; without it the bits are the same. */
const withoutKernels = {
  [path.join(dist, "model", "quick", "scorer.js")]: "export class QuickScorer { static of() { return null; } }",
  [path.join(dist, "math", "number-kernels.js")]:
    "export const numbersAtOnce = 4096; export function numberKernels() { return null; }",
};

/** The scorers of what is no tree. */
const treesAlone = Object.fromEntries(
  Object.entries({
    bayes: ["bayesScores"],
    clusters: ["nearestCentres"],
    ensemble: ["ensembleScores", "memberDesign"],
    linear: ["addLinear"],
    neighbors: ["neighborScores"],
    network: ["networkScores"],
  }).map(([kind, names]) => [
    path.join(dist, "model", `score-${kind}.js`),
    `const none = () => { throw new TypeError("this module scores trees alone"); };\n${names.map((name) => `export const ${name} = none;`).join("\n")}`,
  ]),
);

async function bundle(replacements, minify) {
  const unused = new Set(Object.keys(replacements));
  const load = (id) => (unused.delete(id) ? replacements[id] : null);
  const built = await rolldown({ input, platform: "neutral", plugins: [{ name: "replace", load }] });
  const { output } = await built.generate({ format: "iife", name: "millraceRuntime", minify, comments: false });
  if (unused.size > 0) throw new Error(`nothing of exported modules imports ${[...unused].join(", ")}`);
  return output[0].code;
}

/** The error module with the sentences of `codes` alone: all of them together are as large as what predicts. */
async function errorsOf(codes) {
  const { catalogue } = await import(pathToFileURL(errors));
  const entries = codes.map((code) => {
    const { status, exit, message, remedy } = catalogue[code];
    return `${code}: { status: ${status}, exit: ${exit}, message: ${message}, remedy: ${remedy} }`;
  });
  const text = fs.readFileSync(errors, "utf8");
  const start = text.indexOf("export const catalogue");
  const end = text.indexOf("});", start) + "});".length;
  if (start < 0 || end < start) throw new Error("core/errors/error.ts has no catalogue to cut");
  const imports = /^import .*$/gm;
  return `${text.slice(0, start).replace(imports, "")}export const catalogue = { ${entries.join(", ")} };${text.slice(end)}`;
}

const whole = await bundle(withoutKernels, false);
const thrown = [...whole.matchAll(/new MillraceError\((?:"([A-Z_]+)")?/g)].map((match) => match[1]);
if (thrown.includes(undefined))
  throw new Error("exported modules throw an error whose code is not written where it is thrown");
const codes = [...new Set(thrown)].sort();
const replacements = { ...withoutKernels, [errors]: await errorsOf(codes) };
await write("runtime.bundle.js", replacements);
await write("runtime-trees.bundle.js", { ...replacements, ...treesAlone });

/** The same code: an engine keeps other letters, and all letters beside them, in two bytes each, and reads them at half the speed. */
function asAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function write(name, replacements) {
  const code = asAscii(await bundle(replacements, true));
  if (/\bimport\b|\brequire\(/.test(code)) throw new Error("the runtime of exported modules imports something");
  fs.writeFileSync(path.join(dist, "export", "module", name), code);
}
