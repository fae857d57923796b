import { MillraceError } from "../core/errors/error.ts";
import { integerOption } from "./number-option.ts";
import { textOption, type OptionValues } from "./verb.ts";

export const serveOptions: readonly (readonly [flags: string, doc: string])[] = [
  ["--port <n>", "port to listen on; 0 takes any free one (default 4000)"],
  ["--host <address>", "loopback address to listen on (default 127.0.0.1)"],
];

/** The address to listen on. */
export function addressOf(options: OptionValues): { readonly host: string; readonly port: number } {
  const host = textOption(options, "host") ?? "127.0.0.1";
  if (host === "") throw new MillraceError("USAGE", { reason: "--host must not be empty" });
  return { host, port: integerOption(options, "port", 0, 65_535) ?? 4000 };
}
