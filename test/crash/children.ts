import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock as clock } from "../../src/core/clock.ts";
import type { Rng } from "../../src/core/rng.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The compiled child, and what takes it away. */
export interface CompiledChild {
  readonly path: string;
  remove(): void;
}

/** Node 20 runs no TypeScript, so the child is compiled first: below the checkout, where it finds node_modules. */
export function compileChild(name = "child"): CompiledChild {
  const compiled = join(root, "node_modules", ".cache", `millrace-crash-${name}-${process.pid}`);
  mkdirSync(compiled, { recursive: true });
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { rootDir: root, outDir: compiled, declaration: false, isolatedDeclarations: false },
    include: [],
    files: [join(root, "test", "crash", `${name}.ts`)],
  };
  writeFileSync(join(compiled, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", compiled], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the child does not compile: ${stdout}`);
  cpSync(join(root, "src", "serve", "assets"), join(compiled, "src", "serve", "assets"), { recursive: true });
  return {
    path: join(compiled, "test", "crash", `${name}.js`),
    remove: () => rmSync(compiled, { recursive: true, force: true }),
  };
}

export interface Ended {
  readonly pid: number | undefined;
  readonly lines: readonly string[];
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly errors: string;
}

/** A child under way. */
export interface Running {
  readonly process: ChildProcess;
  /** Resolves once it has written a line that starts so. */
  said(start: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

export function startChild(path: string, args: readonly string[]): Running {
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  const waiting: { start: string; resolve: () => void }[] = [];
  const tell = (): void => {
    for (const { start, resolve } of waiting) if (`\n${output}`.includes(`\n${start}`)) resolve();
  };
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    tell();
  });
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => {
    // A last line without its end was cut by the kill.
    child.on("close", (code, signal) =>
      resolve({ pid: child.pid, lines: output.split("\n").slice(0, -1), signal, code, errors }),
    );
  });
  return {
    process: child,
    said: (start) =>
      new Promise((resolve, reject) => {
        waiting.push({ start, resolve });
        tell();
        void ended.then(({ errors: said }) => reject(new Error(`the child ended without saying "${start}": ${said}`)));
      }),
    ended,
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * One place among several processes, until the time is up: a child in `mode` on the store in `folder` is stopped and woken, or
 * killed and replaced by another. Gives what became of each.
 */
export async function disturb(
  path: string,
  args: readonly [mode: string, folder: string],
  rng: Rng,
  endMs: number,
): Promise<readonly Ended[]> {
  const all: Ended[] = [];
  while (clock.monotonic() < endMs) {
    const running = startChild(path, [...args, String(Math.max(1, endMs - clock.monotonic()))]);
    const over = new AbortController();
    void running.ended.then(() => over.abort());
    await running.said("begin");
    const isKilled = rng.next() < 0.6;
    while (!over.signal.aborted && clock.monotonic() < endMs) {
      await wait(100 + rng.integer(900));
      if (isKilled && rng.next() < 0.4) running.process.kill("SIGKILL");
      running.process.kill("SIGSTOP");
      await wait(100 + rng.integer(2_500));
      running.process.kill("SIGCONT");
    }
    all.push(await running.ended);
  }
  return all;
}
