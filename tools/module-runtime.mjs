// Bundles what every exported module runs (src/export/module/runtime.ts) into one script without imports, beside the compiled
// file: `node tools/module-runtime.mjs DIST`.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const dist = path.resolve(process.argv[2]);
const input = path.join(dist, "export", "module", "runtime.js");
const errors = path.join(dist, "core", "errors", "error.js");
const scorer = path.join(dist, "model", "quick", "scorer.js");

/** Scores blocks of many rows with WebAssembly, which edge workers refuse; walking the trees gives the same bits. */
const noScorer = "export const quickRows = 512; export class QuickScorer { static of() { return null; } }";

async function bundle(replacements, minify) {
  const own = { name: "replace", load: (id) => replacements[id] ?? null };
  const built = await rolldown({ input, platform: "neutral", plugins: [own] });
  const { output } = await built.generate({ format: "iife", name: "millraceRuntime", minify, comments: false });
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

const whole = await bundle({ [scorer]: noScorer }, false);
const codes = [...new Set([...whole.matchAll(/new MillraceError\("([A-Z_]+)"/g)].map((match) => match[1]))].sort();
const code = await bundle({ [scorer]: noScorer, [errors]: await errorsOf(codes) }, true);
if (/\bimport\b|\brequire\(/.test(code)) throw new Error("the runtime of exported modules imports something");
fs.writeFileSync(path.join(dist, "export", "module", "runtime.bundle.js"), code);
