// The package's declarations as a user's compiler reads them, emitted into a temporary folder.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");

/** Runs the compiler; returns its exit code and what it printed. */
export function compile(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...args], { cwd: root, encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

/** Calls `work` with a temporary folder that holds the declarations in types/, and removes the folder afterwards. */
export function withDeclarations(work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-types-"));
  try {
    const config = {
      extends: path.join(root, "tsconfig.json"),
      compilerOptions: {
        noCheck: true,
        emitDeclarationOnly: true,
        rootDir: path.join(root, "src"),
        outDir: path.join(folder, "types"),
        typeRoots: [path.join(root, "node_modules", "@types")],
      },
      include: [],
      files: [path.join(root, "src", "index.ts")],
    };
    fs.writeFileSync(path.join(folder, "emit.json"), JSON.stringify(config));
    const { status, output } = compile("-p", path.join(folder, "emit.json"));
    if (status !== 0) throw new Error(`declarations cannot be emitted:\n${output}`);
    return work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles files of the folder with a user's strict settings. */
export function compileAsUser(folder, files, ...args) {
  const config = JSON.parse(fs.readFileSync(path.join(root, "test", "types", "tsconfig.json"), "utf8"));
  config.compilerOptions.typeRoots = [path.join(root, "node_modules", "@types")];
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ ...config, files }));
  return compile("-p", path.join(folder, "tsconfig.json"), "--pretty", "false", ...args);
}
