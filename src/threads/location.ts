import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The compiled module `name` that stands beside the module at `url`, for a worker to load: in the same folder when this
 * runs compiled, in the twin folder under dist/ when it runs from src/ (tests); null when there is none.
 */
export function compiledModule(name: string, url: string): string | null {
  const home = url.endsWith(".ts") ? url.replace(/\/src\/((?:(?!\/src\/).)*)\.ts$/, "/dist/$1.js") : url;
  if (!home.startsWith("file:") || home.endsWith(".ts")) return null;
  const compiled = new URL(`./${name}.js`, home);
  return existsSync(fileURLToPath(compiled)) ? compiled.href : null;
}
