import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const text = fs.readFileSync(path.join(root, "docs", "data.md"), "utf8");
const snippets = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
const folder = fs.mkdtempSync(path.join(root, "node_modules", ".docs-data-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("docs/data.md", () => {
  it("holds definitions that compile under strict settings and can be made", async () => {
    const files = snippets.map((snippet, i) => {
      const source = snippet.replaceAll('from "millrace"', `from ${JSON.stringify(path.join(root, "src/index.ts"))}`);
      fs.writeFileSync(path.join(folder, `snippet${i}.ts`), source);
      return `snippet${i}.ts`;
    });
    const options = { noEmit: true, rootDir: "/", isolatedDeclarations: false, declaration: false, composite: false };
    const compilerOptions = { ...options, rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true };
    const config = { extends: path.join(root, "tsconfig.json"), compilerOptions, files, include: [] };
    fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
    const result = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    expect(result.stdout.split("\n").filter((line) => /snippet\d/.test(line))).toEqual([]);
    for (const file of files) await import(path.join(folder, file));
  });

  it("links to files that exist", () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1]!);
    expect(targets.filter((target) => !fs.existsSync(path.join(root, "docs", target)))).toEqual([]);
  });
});
