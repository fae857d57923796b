import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Package } from "../export/container/sbom.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** This package and everything it needs at run time, as installed here: itself first, then by name. */
export function installedPackages(): readonly Package[] {
  const found = new Map<string, Package>();
  const visit = (folder: string): string => {
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;
    if (found.has(folder)) return `${manifest.name}@${manifest.version}`;
    const needs: string[] = [];
    const { name, version, license } = manifest;
    found.set(folder, { name, version, license: typeof license === "string" ? license : null, needs });
    // What is optional may be absent: it is for another system.
    for (const need of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const place = folderOf(need, folder);
      if (place !== undefined) needs.push(visit(place));
    }
    return `${name}@${version}`;
  };
  visit(fs.realpathSync(fileURLToPath(new URL("../../", import.meta.url))));
  const [own, ...others] = new Map([...found.values()].map((one) => [`${one.name}@${one.version}`, one])).values();
  return [own!, ...others.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1))];
}

/** Where Node finds a package from a folder: the nearest node_modules that holds it. */
function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const place = path.join(folder, "node_modules", name);
    if (fs.existsSync(path.join(place, "package.json"))) return fs.realpathSync(place);
    if (folder === path.dirname(folder)) return undefined;
  }
}
