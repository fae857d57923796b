// ONNX Runtime for Node, installed once in .onnx: it is no dependency of the project.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "../../tools/setup.mjs";

const name = "onnxruntime-node";
const version = "1.30.0";

/** The package; MILLRACE_ONNX names another folder where it is installed. */
export function onnxRuntime() {
  const folder = process.env.MILLRACE_ONNX ?? installed();
  return createRequire(path.join(folder, "index.js"))(name);
}

function installed() {
  const folder = path.join(root, "benchmarks", ".onnx");
  if (!fs.existsSync(path.join(folder, "node_modules", name))) {
    fs.mkdirSync(folder, { recursive: true });
    const args = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`];
    const result = spawnSync("npm", args, { stdio: ["ignore", "ignore", "inherit"] });
    if (result.status !== 0) throw new Error(`npm ${args.join(" ")} failed`);
  }
  return folder;
}
