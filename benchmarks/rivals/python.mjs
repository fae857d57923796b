// Python virtual environments with the rivals' pinned versions, made once in .venv, .venv-torch and .venv-serve.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root } from "../../tools/setup.mjs";

/** Path of a Python that has the rivals installed; MILLRACE_RIVALS names another one. */
export const rivalPython = () => process.env.MILLRACE_RIVALS ?? pythonWith(".venv", "requirements.txt");

/** Path of a Python that has PyTorch installed, which is large; MILLRACE_TORCH names another one. */
export const torchPython = () => process.env.MILLRACE_TORCH ?? pythonWith(".venv-torch", "requirements-torch.txt");

/** Path of a Python that has FastAPI, BentoML and MLflow installed; MILLRACE_SERVING names another one. */
export const servePython = () => process.env.MILLRACE_SERVING ?? pythonWith(".venv-serve", "requirements-serve.txt");

/** Whether a Python has a package. */
export const hasPackage = (python, name) =>
  spawnSync(python, ["-c", `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`])
    .status === 0;

function pythonWith(name, requirements) {
  const folder = path.join(root, "benchmarks", name);
  const list = path.join(root, "benchmarks", "rivals", requirements);
  const python = path.join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const stamp = path.join(folder, "requirements.txt");
  const wanted = fs.readFileSync(list, "utf8");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === wanted) return python;
  console.error("making a Python environment with the rivals ...");
  must("python3", ["-m", "venv", folder]);
  must(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", list]);
  fs.writeFileSync(stamp, wanted);
  return python;
}

function must(command, args) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}
