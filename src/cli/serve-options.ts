import { MillraceError } from "../core/errors/error.ts";
import type { LogMode } from "../monitor/prediction-logs.ts";
import { integerOption } from "./number-option.ts";
import { textOption, type OptionValues } from "./verb.ts";

export const serveOptions: readonly (readonly [flags: string, doc: string])[] = [
  ["--port <n>", "port to listen on; 0 takes any free one (default AIP_HTTP_PORT, else 4000)"],
  ["--host <address>", "address to listen on; other than loopback only once there are keys (default 127.0.0.1)"],
  ["--allow-host <names>", "further names, by commas, under which clients may ask for this server"],
  [
    "--log <mode>",
    "sync: answer once the prediction is recorded on disk; async: at once (default), a crash can lose a second",
  ],
  [
    "--events <form>",
    "how it says what happens: text (default), or json: a line each on standard error, with all requests",
  ],
  ["--keep-days <n>", "sweep what the prediction log holds of earlier days (default: keep all)"],
];

type Environment = Readonly<Record<string, string | undefined>>;

/** The address to listen on; the port is `--port`, else the one Vertex AI names. */
export function addressOf(
  options: OptionValues,
  environment: Environment = process.env,
): { readonly host: string; readonly port: number; readonly allowedHosts: readonly string[] } {
  const host = textOption(options, "host") ?? "127.0.0.1";
  if (host === "") throw new MillraceError("USAGE", { reason: "--host must not be empty" });
  const given = integerOption(options, "port", 0, 65_535);
  const allowedHosts =
    textOption(options, "allowHost")
      ?.split(",")
      .filter((name) => name !== "") ?? [];
  return {
    host,
    allowedHosts,
    port: given ?? integerOption({ port: environment["AIP_HTTP_PORT"] }, "port", 0, 65_535) ?? 4000,
  };
}

/** How predictions are recorded, and for how long. */
export function logOptionsOf(options: OptionValues): { readonly mode: LogMode; readonly keepDays: number | null } {
  const mode = textOption(options, "log") ?? "async";
  if (mode !== "sync" && mode !== "async")
    throw new MillraceError("USAGE", { reason: `--log must be sync or async, got "${mode}"` });
  return { mode, keepDays: integerOption(options, "keepDays", 1, 36_500) ?? null };
}

/** How a server says what happens to it; throws USAGE. */
export function eventsOf(options: OptionValues): "text" | "json" {
  const form = textOption(options, "events") ?? "text";
  if (form === "text" || form === "json") return form;
  throw new MillraceError("USAGE", { reason: `--events must be text or json, got "${form}"` });
}

/** The paths Vertex AI asks a container for, or null outside of Vertex AI; throws USAGE where only one is named. */
export function vertexRoutesOf(environment: Environment): { readonly health: string; readonly predict: string } | null {
  const { AIP_HEALTH_ROUTE: health, AIP_PREDICT_ROUTE: predict } = environment;
  if (health !== undefined && predict !== undefined) return { health, predict };
  if (health === undefined && predict === undefined) return null;
  throw new MillraceError("USAGE", { reason: "AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE must be set together" });
}
