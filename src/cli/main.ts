#!/usr/bin/env node
import type { Command } from "commander";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { createOutput, reportError } from "./output.ts";
import type { Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";

const usageExit = 2;

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
    if (isUsageError(error)) return error.exitCode === 0 ? 0 : usageExit;
    return reportError(error, json);
  }
}

/** commander has told the user already; it is loaded only when a verb is called, so its class is not at hand here. */
function isUsageError(error: unknown): error is { readonly exitCode: number } {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
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
    const root = typeof options["project"] === "string" ? options["project"] : process.cwd();
    exitCode = await verb.run({ operands, options, root, output: createOutput(json), signal: cancel.signal });
  });
  await command.parseAsync(args, { from: "user" });
  return exitCode;
}

function describe(
  command: Command,
  verb: Verb,
  action: (operands: string[], options: Record<string, string | boolean>) => Promise<void>,
): Command {
  command.description(verb.description).exitOverride();
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
    ...verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`),
    "",
    "`millrace <verb> --help` shows a verb's operands, options and examples. Every verb takes --json and --project.",
    "Exit codes: 0 ok, 1 error, 2 usage, 3 gate failed, 4 drift found.",
    "",
  ].join("\n");
}

process.exitCode = await main(process.argv.slice(2));
