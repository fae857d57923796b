import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The compiled module `name` that stands beside the module at `url`, for a worker to load: in the same folder when this
 * runs compiled, in the twin folder under dist/ when it runs from src/ (tests); null when there is none.
 */
export function compiledModule(name: string, url: string): string | null {
  return compiledFile(`${name}.js`, url)?.href ?? null;
}

/**
 * The path of the same and all it imports in one file, as CommonJS: a worker is there sooner where nothing in it makes Node
 * ready for the other kind of modules.
 */
export function workerModule(name: string, url: string): string | null {
  const file = compiledFile(`${name}.cjs`, url);
  return file && fileURLToPath(file);
}

function compiledFile(name: string, url: string): URL | null {
  const home = url.endsWith(".ts") ? url.replace(/\/src\/((?:(?!\/src\/).)*)\.ts$/, "/dist/$1.js") : url;
  if (!home.startsWith("file:") || home.endsWith(".ts")) return null;
  const compiled = new URL(`./${name}`, home);
  return existsSync(fileURLToPath(compiled)) ? compiled : null;
}
