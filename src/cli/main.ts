#!/usr/bin/env node
import { statSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { type ErrorContext, isMillraceError, MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { createOutput, reportError } from "./output.ts";
import type { Verb } from "./verb.ts";
import { verbGroups, verbs } from "./verbs.ts";

/** Runs one command line and returns its exit code: 0 ok, 1 error, 2 usage, 3 gate failed, 4 drift found. */
async function main(args: readonly string[]): Promise<number> {
  const json = args.includes("--json");
  try {
    const [first] = args;
    if (first === undefined || first === "--help" || first === "-h" || first === "help") {
      process.stdout.write(helpText());
      return 0;
    }
    if (first === "--version" || first === "-V") {
      const { packageVersion } = await import("../app/package-version.ts");
      process.stdout.write(`${packageVersion()}\n`);
      return 0;
    }
    return await callVerb(first, args.slice(1), json);
  } catch (error) {
    if (!isCommanderError(error)) return reportError(withHelpOf(args[0], error), json);
    return error.exitCode === 0 ? 0 : reportError(usageError(args[0]!, error.message), json);
  }
}

/** commander is loaded only when a verb is called, so its class is not at hand here. Exit code 0 is help, already shown. */
function isCommanderError(error: unknown): error is Error & { readonly exitCode: number } {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

/** commander's "error: ...", at times with a second line "(Did you mean ...?)". */
function usageError(verb: string, text: string): MillraceError {
  const [reason = "", hint] = text.replace(/^error: /, "").split("\n");
  const help = `See \`millrace ${verb} --help\`.`;
  return new MillraceError("USAGE", { reason, help: hint ? `${hint.replace(/^\(|\)$/g, "")} ${help}` : help });
}

/** What a verb refused without saying more, with its own help in place of the general one. */
function withHelpOf(name: string | undefined, error: unknown): unknown {
  if (!isMillraceError(error) || error.code !== "USAGE" || !verbs.some((verb) => verb.name === name)) return error;
  const { reason, help } = error.context as ErrorContext<"USAGE">;
  return help === undefined ? usageError(name!, reason) : error;
}

async function callVerb(name: string, args: readonly string[], json: boolean): Promise<number> {
  const entry = verbs.find((verb) => verb.name === name);
  if (!entry) {
    const nearest = nearestName(
      name,
      verbs.map((verb) => verb.name),
    );
    throw new MillraceError("USAGE", {
      reason: `there is no verb "${name}"`,
      ...(nearest ? { help: `Did you mean \`millrace ${nearest}\`?` } : {}),
    });
  }
  const verb = await entry.load();
  let exitCode = 0;
  const { Command } = await import("commander");
  const command = describe(new Command(`millrace ${verb.name}`), verb, async (operands, options) => {
    const cancel = new AbortController();
    const onInterrupt = (): void => (cancel.signal.aborted ? process.exit(130) : cancel.abort());
    process.on("SIGINT", onInterrupt);
    process.on("SIGTERM", onInterrupt);
    // What a pipeline's own code prints must not stand beside the one JSON document.
    if (json) console.log = console.info = console.debug = console.error;
    const root = projectFolder(options["project"]);
    exitCode = await verb.run({ operands, options, root, output: createOutput(json), signal: cancel.signal });
  });
  await command.parseAsync(args, { from: "user" });
  return exitCode;
}

/** The absolute path of the project folder; a mistyped one is refused, not made. */
function projectFolder(given: string | boolean | undefined): string {
  const folder = typeof given === "string" ? given : process.cwd();
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return path.resolve(folder);
  throw new MillraceError("USAGE", { reason: `the project folder "${folder}" does not exist or is no folder` });
}

function describe(
  command: Command,
  verb: Verb,
  action: (operands: string[], options: Record<string, string | boolean>) => Promise<void>,
): Command {
  command
    .description(verb.description)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const [notation, doc] of verb.operands) command.argument(notation, doc);
  for (const [flags, doc] of verb.options) command.option(flags, doc);
  command.option("--project <folder>", "the project folder (default: the current one)");
  command.option("--json", "one JSON document on standard output instead of text");
  if (verb.examples.length > 0)
    command.addHelpText("after", `\nExamples:\n${verb.examples.map((e) => `  ${e}\n`).join("")}`);
  command.action((...given: unknown[]) =>
    action(
      given
        .slice(0, verb.operands.length)
        .flat()
        .filter((v) => v !== undefined) as string[],
      command.opts(),
    ),
  );
  return command;
}

function helpText(): string {
  const width = Math.max(...verbs.map((verb) => verb.name.length));
  return [
    "Millrace: one typed definition takes raw data to a live, watched model.",
    "",
    "Usage: millrace <verb> [options]",
    "",
    ...verbGroups.flatMap((group) => [
      group.title,
      ...group.verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`),
      "",
    ]),
    "`millrace <verb> --help` shows a verb's operands, options and examples. Every verb takes --json and --project.",
    "Exit codes: 0 ok, 1 error, 2 usage, 3 gate failed, 4 drift found.",
    "",
  ].join("\n");
}

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await main(process.argv.slice(2));
// A verb that is done is done: what a user's step left running must not keep the process alive.
process.stdout.write("", () => process.exit());
