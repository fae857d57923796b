import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const pages = ["data", "pipeline", "training", "workflows", "deployment"];
const folder = fs.mkdtempSync(path.join(root, "node_modules", ".docs-snippets-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The snippets of a page that are whole modules, written as files; the others are parts of a definition. */
function modulesOf(page: string): readonly string[] {
  const text = fs.readFileSync(path.join(root, "docs", `${page}.md`), "utf8");
  const snippets = [...text.matchAll(/```ts[^\n]*\n([\s\S]*?)```/g)].map((match) => match[1]!);
  return snippets
    .filter((snippet) => snippet.startsWith("import "))
    .map((snippet, i) => {
      const source = snippet
        .replaceAll('from "millrace"', `from ${JSON.stringify(path.join(root, "src/index.ts"))}`)
        .replaceAll('from "millrace/runtime"', `from ${JSON.stringify(path.join(root, "src/runtime.ts"))}`);
      fs.writeFileSync(path.join(folder, `${page}${i}.ts`), source);
      return `${page}${i}.ts`;
    });
}

describe("the definitions in the documents", () => {
  const files = pages.flatMap(modulesOf);

  it("compile under strict settings", () => {
    expect(files.length).toBeGreaterThan(25);
    const options = { noEmit: true, rootDir: "/", isolatedDeclarations: false, declaration: false, composite: false };
    const compilerOptions = { ...options, rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true };
    const config = { extends: path.join(root, "tsconfig.json"), compilerOptions, files, include: [] };
    fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, ""]);
  });

  it.each(files)("can be made: %s", async (file) => {
    // What awaits at its top does something: it is not a definition.
    const does = /^(?:const \S+ = .*)?await /m.test(fs.readFileSync(path.join(folder, file), "utf8"));
    if (!does && !file.startsWith("deployment")) await import(path.join(folder, file));
  });
});
