import { execFile } from "node:child_process";
import fs from "node:fs/promises";
import path from "node:path";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Digest } from "../core/digest.ts";
import { digestOf } from "../store/platform-digest.ts";
import { packageVersion } from "./package-version.ts";

/** Where the code of a run came from and what ran it. Nothing of the environment's variables is kept. */
export interface Provenance {
  /** Null where the project is under no version control. */
  readonly source: { readonly revision: string; readonly dirty: Digest | null } | null;
  /** Digest of the nearest lockfile; null where there is none. */
  readonly lockfile: { readonly name: string; readonly digest: Digest } | null;
  /** The file that defined the run, from the project folder; null for code that is in none. */
  readonly file: string | null;
  readonly millrace: string;
  readonly node: string;
  readonly platform: string;
  readonly threads: number;
}

const lockfiles = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];

export async function collectProvenance(
  root: string,
  threads: number,
  file?: string,
): Promise<Provenance & Record<string, JsonValue>> {
  const [source, lockfile] = await Promise.all([sourceOf(root), lockfileOf(root)]);
  return {
    source,
    lockfile,
    file: file === undefined ? null : path.relative(root, file).split(path.sep).join("/"),
    millrace: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    threads,
  };
}

/** What git prints; null where there is no git, no repository, or no answer in time. */
function git(root: string, args: readonly string[], input?: string): Promise<string | null> {
  // A repository's own settings must not make git run programs.
  const safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", root, ...args];
  const options = { timeout: 5_000, maxBuffer: 1 << 28, encoding: "utf8" } as const;
  return new Promise((resolve) => {
    const child = execFile("git", safe, options, (error, stdout) => resolve(error ? null : stdout));
    child.on("error", () => resolve(null));
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

async function sourceOf(root: string): Promise<Provenance["source"]> {
  const [revision, diff, untracked] = await Promise.all([
    git(root, ["rev-parse", "HEAD"]),
    git(root, ["diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv"]),
    git(root, ["ls-files", "--others", "--exclude-standard", "-z"]),
  ]);
  if (revision === null) return null;
  if (!diff && !untracked) return { revision: revision.trim(), dirty: null };
  const added = (untracked ?? "").split("\0").filter((name) => name !== "" && !name.includes("\n"));
  const hashes =
    added.length === 0 ? "" : await git(root, ["hash-object", "--no-filters", "--stdin-paths"], added.join("\n"));
  return { revision: revision.trim(), dirty: digestOf(`${diff ?? "?"}\0${added.join("\n")}\0${hashes ?? "?"}`) };
}

async function lockfileOf(root: string): Promise<Provenance["lockfile"]> {
  for (let folder = path.resolve(root); ; folder = path.dirname(folder)) {
    for (const name of lockfiles) {
      const bytes = await fs.readFile(path.join(folder, name)).catch(() => null);
      if (bytes) return { name, digest: digestOf(bytes) };
    }
    if (path.dirname(folder) === folder) return null;
  }
}

/** What ran from where, as it is recorded, a line a part. */
export function provenanceLines(provenance: JsonValue): string[] {
  if (provenance === null || typeof provenance !== "object" || Array.isArray(provenance)) return [];
  return Object.entries(provenance as JsonObject).flatMap(([name, value]) => {
    if (value === null) return [];
    if (typeof value !== "object" || Array.isArray(value)) return [`${name} ${textOf(value)}`];
    const parts = Object.entries(value).filter(([, inner]) => inner !== null);
    return [`${name} ${parts.map(([part, inner]) => `${part} ${textOf(inner)}`).join(", ")}`];
  });
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
