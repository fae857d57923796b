// What every command needs first: dependencies installed and sources compiled, each only when absent or stale.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Runs a command with its output on ours; exits with its code where it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** The path of a tool that a development dependency brings. */
export function tool(name) {
  return path.join(root, "node_modules", ".bin", name);
}

function modifiedMs(file) {
  return fs.existsSync(file) ? fs.statSync(file).mtimeMs : -1;
}

function newestSourceMs(folder) {
  let newest = -1;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSourceMs(full));
    else if (!entry.name.endsWith(".test.ts")) newest = Math.max(newest, fs.statSync(full).mtimeMs);
  }
  return newest;
}

/** Installs exactly what the lockfile says when node_modules is absent or older than it. */
export function ensureInstalled() {
  const installed = path.join(root, "node_modules", ".package-lock.json");
  if (modifiedMs(installed) >= modifiedMs(path.join(root, "package-lock.json"))) return;
  console.log("Installing dependencies (npm ci) ...");
  run("npm", ["ci", "--no-audit", "--no-fund"], { shell: process.platform === "win32" });
  fs.utimesSync(installed, new Date(), new Date());
}

/** Compiles src/ to dist/ when a source is newer than the last build. */
export function ensureBuilt() {
  const stamp = path.join(root, "dist", ".built");
  const newest = Math.max(
    newestSourceMs(path.join(root, "src")),
    modifiedMs(path.join(root, "tsconfig.json")),
    modifiedMs(path.join(root, "package-lock.json")),
    modifiedMs(fileURLToPath(import.meta.url)),
  );
  if (modifiedMs(stamp) >= newest) return;
  build();
}

/** Compiles into a folder of its own and swaps it in, so that a failed build leaves the old one. */
export function build() {
  console.log("Building ...");
  const fresh = path.join(root, "dist.new");
  fs.rmSync(fresh, { recursive: true, force: true });
  run(tool("tsc"), ["-p", ".", "--outDir", fresh]);
  bundle(path.join(fresh, "store", "query-builder.js"), "kysely");
  for (const file of fs.readdirSync(fresh, { recursive: true }))
    if (/(^|[/\\-])member\.js$/.test(file)) forWorkers(path.join(fresh, file));
  for (const file of ["threads/worker.js", "ingest/delimited/block-worker.js"]) forWorkers(path.join(fresh, file));
  run(process.execPath, ["tools/module-runtime.mjs", fresh]);
  copyAssets(path.join(root, "src"), fresh);
  fs.chmodSync(path.join(fresh, "cli", "main.js"), 0o755);
  fs.writeFileSync(path.join(fresh, ".built"), "");
  fs.rmSync(path.join(root, "dist"), { recursive: true, force: true });
  fs.renameSync(fresh, path.join(root, "dist"));
}

/** Puts a compiled module and all it imports into one file, `to`: dozens of small ones take longer to find than to run. */
function intoOneFile(file, to, format, ...options) {
  run(tool("rolldown"), [file, "--file", to, "--format", format, "--platform", "node", ...options], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** What threads load, as `workerModule` says. */
function forWorkers(file) {
  intoOneFile(file, file.replace(/js$/, "cjs"), "cjs");
}

/** The same for a module that imports a package, whose licence goes with its code. */
function bundle(file, name) {
  const whole = `${file}.bundle`;
  intoOneFile(file, whole, "esm", "--minify");
  const licence = fs.readFileSync(path.join(root, "node_modules", name, "LICENSE"), "utf8");
  fs.writeFileSync(file, `/*! ${name}\n\n${licence.trim()}\n*/\n${fs.readFileSync(whole, "utf8")}`);
  fs.rmSync(whole);
}

/** What is handed out as it is: styles and page scripts by the server, a script for scikit-learn by `import`. */
function copyAssets(from, to) {
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    if (entry.isDirectory()) copyAssets(source, path.join(to, entry.name));
    else if (/\.(css|html|svg|js|wasm|py)$/.test(entry.name)) {
      fs.mkdirSync(to, { recursive: true });
      fs.copyFileSync(source, path.join(to, entry.name));
    }
  }
}
