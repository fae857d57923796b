import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRng } from "../../src/core/rng.ts";

const root = path.resolve(import.meta.dirname, "../..");
const cli = path.join(root, "dist", "cli", "main.js");
const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
let folder = "";

/** Homes with a price that follows from their district's income and rooms. */
function housingCsv(nRows: number): string {
  const rng = createRng(5);
  const lines = ["total_rooms,total_bedrooms,households,median_income,ocean_proximity,median_house_value"];
  for (let i = 0; i < nRows; ++i) {
    const households = 50 + rng.integer(500);
    const rooms = households * (3 + rng.next() * 4);
    const income = 1 + rng.next() * 9;
    const coast = rng.integer(2);
    const price = 20_000 * income + 40_000 * coast + (9000 * rooms) / households + 20_000 * rng.next();
    lines.push(
      [
        Math.round(rooms),
        rng.integer(50) === 0 ? "" : Math.round(rooms / 5),
        households,
        income.toFixed(3),
        coast ? "NEAR BAY" : "INLAND",
        Math.round(price),
      ].join(","),
    );
  }
  return `${lines.join("\n")}\n`;
}

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-readme-"));
  fs.mkdirSync(path.join(folder, "data"));
  fs.mkdirSync(path.join(folder, "pipelines"));
  fs.writeFileSync(path.join(folder, "data", "housing.csv"), housingCsv(1500));
  fs.writeFileSync(path.join(folder, "pipelines", "housing.ts"), snippets[0]!);
  fs.writeFileSync(path.join(folder, "client.ts"), snippets[1]!);
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!fs.existsSync(cli))("the README", () => {
  it("holds a definition that runs to a promoted model", () => {
    const out = execFileSync(process.execPath, [cli, "run", "housing", "--json"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(JSON.parse(out)).toMatchObject({
      status: "succeeded",
      verdict: { passed: true },
      version: 1,
      promoted: true,
    });
  });

  it("holds a definition and a client that compile under strict settings", () => {
    const config = {
      compilerOptions: {
        strict: true,
        module: "NodeNext",
        target: "ES2023",
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        types: [],
        lib: ["ES2023", "DOM"],
        paths: { millrace: [path.join(root, "dist", "index.d.ts")] },
      },
      files: ["client.ts"],
    };
    fs.writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
    fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
    const result = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    expect(result.stdout).toBe("");
    expect(result.status).toBe(0);
  });
});
