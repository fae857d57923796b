import type { JsonValue } from "../core/json.ts";
import { toMillraceError } from "../core/errors/error.ts";

/** Where a verb says what it found: lines for people, or with --json exactly one JSON document on standard output. */
export interface Output {
  readonly json: boolean;
  /** Standard error is a terminal, so that progress may redraw a line. */
  readonly interactive: boolean;
  /** A line for people; nothing with --json. */
  line(text?: string): void;
  /** The document of --json; nothing otherwise. */
  document(value: unknown): void;
  /** Progress, on standard error; nothing with --json. */
  progress(text: string): void;
  /** A line that a user's own code wrote, on standard error. */
  log(text: string): void;
}

export function createOutput(json: boolean): Output {
  const out = process.stdout;
  return {
    json,
    interactive: !json && (process.stderr.isTTY ?? false),
    line: (text = "") => void (json || out.write(`${text}\n`)),
    document: (value) => void (json && out.write(`${JSON.stringify(value, replaceMap, 2)}\n`)),
    log: (text) => void process.stderr.write(`${text}\n`),
    progress: (text) => void (json || process.stderr.write(text)),
  };
}

function replaceMap(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value as Map<string, JsonValue>) : value;
}

/** Prints an error as people (code, sentence, remedy) or programs (`{ error }`) want it, and gives its exit code. */
export function reportError(error: unknown, json: boolean): number {
  const known = toMillraceError(error);
  if (json) {
    const { code, message, remedy, context } = known;
    process.stdout.write(`${JSON.stringify({ error: { code, message, remedy, context } }, replaceMap, 2)}\n`);
  } else {
    process.stderr.write(`${known.code}: ${known.message}\n${known.remedy}\n`);
    if (known.code === "INTERNAL" && known.cause instanceof Error) process.stderr.write(`${known.cause.stack}\n`);
  }
  return known.exitCode;
}
