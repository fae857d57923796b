import type { Output } from "./output.ts";

export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

/** One verb of the command line: what it takes, and the one library call it makes. */
export interface Verb {
  readonly name: string;
  readonly description: string;
  /** commander's notation: "<file>" is required, "[name]" is not, "[names...]" takes several. */
  readonly operands: readonly (readonly [notation: string, doc: string])[];
  readonly options: readonly (readonly [flags: string, doc: string])[];
  readonly examples: readonly string[];
  run(call: VerbCall): Promise<ExitCode>;
}

export interface VerbCall {
  readonly operands: readonly string[];
  readonly options: OptionValues;
  /** The project folder. */
  readonly root: string;
  readonly output: Output;
  readonly signal: AbortSignal;
}

export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** The text of an option, or undefined where it was not given. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}
