import { copyFileSync, existsSync, fstatSync, linkSync, mkdirSync, readdirSync, type Stats, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Digest } from "../../src/core/digest.ts";
import type { RunListener } from "../../src/engine/step.ts";
import type { Durability, Failpoint } from "../../src/store/hooks.ts";

/** A file as it stood at an instant. Its bytes are kept under `stash`. */
export interface SeenFile {
  readonly path: string;
  readonly stash: string;
  readonly isWhole: boolean;
  readonly isNamed: boolean;
}

export interface Instant {
  readonly point: Failpoint | "told";
  readonly files: readonly SeenFile[];
  /** Folder with the database as of the last commit that lasts; null before the first. */
  readonly database: string | null;
  /** Folder with the database as of the last commit. */
  readonly written: string | null;
  /** What a listener has heard. */
  readonly told: Told;
}

export interface Told {
  readonly outputs: readonly { readonly step: string; readonly digest: Digest }[];
  /** Runs that succeeded. */
  readonly runs: readonly string[];
}

export const log = "metadata.sqlite-wal";

/** Copies of the database are numbered as they are made. */
function placeOf(copy: string | null): number {
  return copy === null ? -1 : Number(copy.slice(copy.lastIndexOf("-") + 1));
}

function foldersBelow(path: string): string[] {
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [path, ...folders.flatMap(({ name }) => foldersBelow(join(path, name)))];
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)],
  );
}

/** A file as it stands: bytes written to it later make it another one. */
function stampOf(found: Stats): string {
  return `${found.ino} ${found.size} ${found.mtimeMs}`;
}

/** Watches one store at work, step after step, and notes what would survive at each instant. */
export class Recorder {
  readonly instants: Instant[] = [];
  readonly #store: string;
  readonly #stash: string;
  /** Stamps of files whose bytes were synced. */
  readonly #whole = new Set<string>();
  /** Paths of files and folders whose names were synced. */
  readonly #named = new Set<string>();
  #database: string | null = null;
  #written: string | null = null;
  #told: Told = { outputs: [], runs: [] };
  /** What the runs under watch tell. */
  readonly listener: RunListener = {
    stepFinished: ({ step, outputs }) => {
      const more = [...outputs.values()].map((digest) => ({ step, digest }));
      this.#tell({ ...this.#told, outputs: [...this.#told.outputs, ...more] });
    },
    runFinished: ({ runId }) => this.#tell({ ...this.#told, runs: [...this.#told.runs, runId] }),
  };

  constructor(store: string, stash: string) {
    this.#store = store;
    this.#stash = stash;
    mkdirSync(stash);
  }

  /** What a sync that begins now will have made to last when it ends. */
  syncing(file: number): () => void {
    const found = fstatSync(file);
    if (found.ino === statSync(join(this.#store, log), { throwIfNoEntry: false })?.ino) return this.#syncingLog();
    if (!found.isDirectory()) return () => this.#whole.add(stampOf(found));
    const folder = foldersBelow(dirname(this.#store)).find((path) => statSync(path).ino === found.ino);
    const names = folder === undefined ? [] : readdirSync(folder);
    return () => names.forEach((name) => this.#named.add(join(folder!, name)));
  }

  /** What is written while a sync is under way may be on the disk after it, or not. */
  #syncingLog(): () => void {
    const written = this.#written;
    return () => {
      // A commit that synced the log itself may have come before.
      if (placeOf(written) > placeOf(this.#database)) this.#database = written;
    };
  }

  #tell(told: Told): void {
    this.#told = told;
    this.#note("told");
  }

  reached(point: Failpoint, durability: Durability = "now"): void {
    if (point === "transaction.committed") {
      this.#written = this.#copyDatabase();
      if (durability === "now") this.#database = this.#written;
    }
    this.#note(point);
  }

  #note(point: Instant["point"]): void {
    const paths = ["artifacts", "temporary"].map((name) => join(this.#store, name)).filter((path) => existsSync(path));
    const files = paths.flatMap(filesBelow).map((path) => this.#look(path));
    this.instants.push({ point, files, database: this.#database, written: this.#written, told: this.#told });
  }

  #look(path: string): SeenFile {
    const found = statSync(path);
    const stash = join(this.#stash, `file-${found.ino}`);
    if (!existsSync(stash)) linkSync(path, stash);
    return {
      path: relative(this.#store, path),
      stash,
      isWhole: this.#whole.has(stampOf(found)),
      isNamed: this.#isNamed(path),
    };
  }

  /** A name lasts where those of all the folders above it do. */
  #isNamed(path: string): boolean {
    return this.#named.has(path) && (path === this.#store || this.#isNamed(dirname(path)));
  }

  #copyDatabase(): string {
    const target = join(this.#stash, `database-${this.instants.length}`);
    mkdirSync(target);
    for (const name of ["metadata.sqlite", log]) {
      if (existsSync(join(this.#store, name))) copyFileSync(join(this.#store, name), join(target, name));
    }
    return target;
  }
}
