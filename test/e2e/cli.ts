import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const checkout = fileURLToPath(new URL("../../", import.meta.url));

/** The compiled package; MILLRACE_DIST names another build of it. */
export const dist: string = process.env["MILLRACE_DIST"] ?? path.join(checkout, "dist");
const main = path.join(dist, "cli", "main.js");

/** `npm test` builds before it tests; a bare `vitest` in a fresh clone has nothing to drive. */
export const isBuilt: boolean = fs.existsSync(main);
if (!isBuilt) console.warn(`skipped: there is no ${main}; run \`npm run build\` first`);

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as the one JSON document it must be. */
  json<T = Record<string, never>>(): T;
}

export interface Refused {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
}

export interface Project {
  readonly root: string;
  path(relative: string): string;
  write(relative: string, content: string | Uint8Array): string;
  /** Writes pipelines/<name>.ts: `body` is the object given to pipeline(), which may use all that millrace exports. */
  pipeline(name: string, body: string): void;
  /** Runs the CLI in this folder to its end. */
  run(...args: readonly string[]): Promise<Answer>;
  /** Starts the CLI in this folder and leaves it running. */
  start(...args: readonly string[]): Running;
  /** Path -> digest of every file but those of the database, which notes failed runs too. */
  snapshot(): ReadonlyMap<string, string>;
  remove(): void;
}

/** A new empty folder to work in. */
export function createProject(): Project {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-e2e-"));
  const at = (relative: string): string => path.join(root, relative);
  const write = (relative: string, content: string | Uint8Array): string => {
    fs.mkdirSync(path.dirname(at(relative)), { recursive: true });
    fs.writeFileSync(at(relative), content);
    return at(relative);
  };
  return {
    root,
    path: at,
    write,
    pipeline: (name, body) => void write(`pipelines/${name}.ts`, pipelineSource(body)),
    run: (...args) => runCli(root, args),
    start: (...args) => startCli(root, args),
    snapshot: () => snapshotOf(root),
    remove: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}

function pipelineSource(body: string): string {
  return `import * as m from "millrace";\nconst { pipeline } = m;\nexport default pipeline(((m) => (${body}))(m));\n`;
}

function childOf(root: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [main, ...args], { cwd: root, env: { ...process.env, NO_COLOR: "1" } });
}

function runCli(root: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = childOf(root, args);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.end();
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const json = <T>(): T => {
        try {
          return JSON.parse(stdout) as T;
        } catch {
          throw new Error(`millrace ${args.join(" ")} did not print one JSON document:\n${stdout}\n${stderr}`);
        }
      };
      if (signal) stderr += `\nended by ${signal}`;
      resolve({ code: code ?? -1, stdout, stderr, json });
    });
  });
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Everything said so far, on both streams. */
  said(): string;
  /** What stood on the stream of results alone. */
  printed(): string;
  /** Resolves with the match once something said matches. */
  heard(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number>;
  /** Asks it to stop and resolves with its exit code. */
  stop(): Promise<number>;
}

function startCli(root: string, args: readonly string[]): Running {
  const child = childOf(root, args);
  let text = "";
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    printed += more;
  });
  child.stderr.setEncoding("utf8").on("data", (more: string) => (text += more));
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return {
    child,
    ended,
    said: () => text,
    printed: () => printed,
    heard: (pattern) => until(() => pattern.exec(text), `${String(pattern)} in what millrace ${args.join(" ")} says`),
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Asks again and again until `look` gives something; a suite's own time limit ends a hopeless wait. */
export async function until<T>(
  look: () => T | null | undefined | false | Promise<T | null | false>,
  what: string,
): Promise<T> {
  for (let attempt = 0; attempt < 900; ++attempt) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

function snapshotOf(root: string): ReadonlyMap<string, string> {
  const entries = fs.readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const isCached = (file: string): boolean => path.relative(root, file).startsWith(path.join(".millrace", "cache"));
  const lasting = files.filter((file) => !path.basename(file).startsWith("metadata.sqlite") && !isCached(file)).sort();
  return new Map(
    lasting.map((file) => [
      path.relative(root, file),
      createHash("sha256").update(fs.readFileSync(file)).digest("hex"),
    ]),
  );
}

/** Expects an error of the catalogue: its code, its exit code, and that the sentence names what `said` lists. */
export function expectRefusal(answer: Answer, code: string, exit: number, ...said: readonly (string | RegExp)[]): void {
  const { error } = answer.json<Refused>();
  const whole = `${error.code}: ${error.message} ${error.remedy}`;
  expect(whole).toContain(`${code}:`);
  expect(answer.code, whole).toBe(exit);
  expect(error.remedy.length, whole).toBeGreaterThan(5);
  for (const part of said) expect(whole).toMatch(typeof part === "string" ? literally(part) : part);
}

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
}

/** What `millrace run --json` says. */
export interface Ran {
  readonly run: string;
  readonly steps: readonly {
    readonly step: string;
    readonly status: string;
    readonly reason: string | null;
    readonly metrics: Record<string, number>;
    readonly outputs: Record<string, string>;
  }[];
}

/** Nothing but the database, which notes a failed run, may differ after a refusal. */
export async function refusedWithoutTrace(project: Project, args: readonly string[]): Promise<Answer> {
  await project.run("models");
  const before = project.snapshot();
  const answer = await project.run(...args, "--json");
  expect(project.snapshot()).toEqual(before);
  return answer;
}
