import { readFileSync } from "node:fs";
import { dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf } from "../../store/platform-digest.ts";
import { loadJiti } from "./jiti.ts";
import { readModule } from "./module.ts";
import type { Module } from "./module.ts";
import { createParser } from "./syntax.ts";
import type { Parse } from "./syntax.ts";

/** A module of the user's own, a file that is no code, or something named by a version: a package, a part of Node. */
export type Target =
  | { readonly kind: "module"; readonly module: Module }
  | { readonly kind: "asset"; readonly part: string; readonly digest: string }
  | { readonly kind: "package"; readonly part: string; readonly version: string };

/** The modules that a file loads, each read once. */
export interface ModuleGraph {
  readonly entry: Module;
  /** Path of a module as it is shown: relative to the project, with slashes. */
  nameOf(module: Module): string;
  resolve(from: Module, specifier: string): Target;
  /** The entry and every module of the user's own that it loads, however deep. */
  modules(): readonly Module[];
}

const codeEndings = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx"]);

/** Reads the modules that `file` loads. Packages count by name and version, their files are not read. */
export async function readModuleGraph(file: string, root: string, version: string): Promise<ModuleGraph> {
  const parse = createParser();
  const { createJiti } = loadJiti();
  const jiti = createJiti(file, { fsCache: false });
  const known = new Map<string, Module>();
  const load = (path: string): Module => {
    const found = known.get(path) ?? parseFile(parse, path);
    known.set(path, found);
    return found;
  };
  const resolve = (from: Module, specifier: string): Target => {
    if (/^millrace(\/|$)/.test(specifier)) return { kind: "package", part: "millrace", version };
    if (specifier.startsWith("node:")) return { kind: "package", part: specifier, version: "" };
    const url = jiti.esmResolve(specifier, { parentURL: from.file, try: true });
    if (url === undefined || url.startsWith("node:")) return { kind: "package", part: specifier, version: "" };
    const path = url.startsWith("file:") ? fileURLToPath(url) : url;
    if (path.includes(`${sep}node_modules${sep}`)) return packageOf(path, specifier);
    if (codeEndings.has(extname(path))) return { kind: "module", module: load(path) };
    return { kind: "asset", part: shown(root, path), digest: digestOf(readFileSync(path)) };
  };
  const entry = load(file);
  return { entry, nameOf: (module) => shown(root, module.file), resolve, modules: () => reached(entry, resolve) };
}

function parseFile(parse: Parse, path: string): Module {
  return readModule(path, parse(readFileSync(path, "utf8"), path));
}

function reached(entry: Module, resolve: ModuleGraph["resolve"]): readonly Module[] {
  const found = new Set<Module>();
  const visit = (module: Module): void => {
    if (found.has(module)) return;
    found.add(module);
    for (const specifier of module.specifiers) {
      const target = resolve(module, specifier);
      if (target.kind === "module") visit(target.module);
    }
  };
  visit(entry);
  return [...found];
}

function shown(root: string, path: string): string {
  return relative(root, path).split(sep).join("/");
}

/** Name and version from the package.json above a file. */
function packageOf(path: string, specifier: string): Target {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const found = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name !== undefined) return { kind: "package", part: found.name, version: found.version ?? "" };
    } catch {
      // No package.json here: look above.
    }
  }
  return { kind: "package", part: specifier, version: "" };
}
