import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = dirname(fileURLToPath(import.meta.url));

/** Every file runtime.ts reaches, and everything it imports that is no relative file. Types vanish and do not count. */
function reach(entry: string): { files: string[]; foreign: string[] } {
  const files = new Set<string>();
  const foreign = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    const text = readFileSync(path, "utf8");
    for (const [statement, specifier] of text.matchAll(
      /^(?:import|export)\b(?:[^;"'=()]*?\bfrom)?\s*["']([^"']+)["'];/gm,
    )) {
      if (/^(?:import|export) type\b/.test(statement)) continue;
      if (specifier!.startsWith(".")) visit(resolve(dirname(path), specifier!));
      else foreign.add(specifier!);
    }
    expect(text, path).not.toMatch(/\bimport\(/);
  };
  visit(resolve(source, entry));
  return { files: [...files].map((path) => relative(source, path)), foreign: [...foreign] };
}

describe("the runtime", () => {
  const { files, foreign } = reach("runtime.ts");

  it("imports no package and no Node built-in", () => {
    expect(foreign).toEqual([]);
  });

  it("reaches only core, math, frame and model", () => {
    expect(files.length).toBeGreaterThan(15);
    expect(files.filter((path) => !/^(core|math|frame|model)[\\/]|^runtime\.ts$/.test(path))).toEqual([]);
  });

  it("names nothing that only Node has", () => {
    for (const path of files)
      expect(readFileSync(resolve(source, path), "utf8"), path).not.toMatch(
        /\b(?:process|Buffer)\.\w|\brequire\(|\b__dirname\b/,
      );
  });
});
