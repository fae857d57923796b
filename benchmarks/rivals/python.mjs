// A Python virtual environment with the rivals' pinned versions, made once in .venv; MILLRACE_RIVALS names another Python.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root } from "../../tools/setup.mjs";

const folder = path.join(root, "benchmarks", ".venv");
const requirements = path.join(root, "benchmarks", "rivals", "requirements.txt");

/** Path of a Python that has the rivals installed. */
export function rivalPython() {
  const given = process.env.MILLRACE_RIVALS;
  if (given) return given;
  const python = path.join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const stamp = path.join(folder, "requirements.txt");
  const wanted = fs.readFileSync(requirements, "utf8");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === wanted) return python;
  console.error("making a Python environment with the rivals ...");
  must("python3", ["-m", "venv", folder]);
  must(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  fs.writeFileSync(stamp, wanted);
  return python;
}

function must(command, args) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}
