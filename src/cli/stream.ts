import { parseDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { MessagesOptions } from "../app/messages.ts";
import { addressOf, serveOptions } from "./serve-options.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";
import { textOption, type OptionValues, type Verb } from "./verb.ts";

export const stream: Verb = {
  name: "stream",
  description:
    "Answers messages of a NATS JetStream stream with a model, each acknowledged once its answer is kept; serves as `serve` does, too.",
  operands: [["<model>", "model that answers, or model@alias"]],
  options: [
    ["--from <stream>", "stream to read; each message holds a row as a JSON object"],
    ["--to <subject>", "subject of the answers; another stream must keep it"],
    ["--dead <subject>", "subject for messages that cannot be answered (default: they are said and terminated)"],
    ["--subject <subject>", "read only messages of subjects that match"],
    ["--consumer <name>", "durable consumer, made where there is none (default: millrace-<model>)"],
    ["--ack-wait <duration>", "after so long without an answer a message comes again (default 60s)"],
    ["--nats <url>", "address without a password (default: the environment's NATS_URL)"],
    ...serveOptions,
  ],
  examples: [
    "NATS_URL=nats://127.0.0.1:4222 millrace stream churn --from CUSTOMERS --to churn.scores --dead churn.refused",
  ],
  run: (call) =>
    serveUntilStopped(call, {
      ...addressOf(call.options),
      loop: false,
      messages: messagesOf(call.operands[0]!, call.options, process.env),
    }),
};

/** Which messages to answer; throws USAGE. */
export function messagesOf(
  model: string,
  options: OptionValues,
  environment: Readonly<Record<string, string | undefined>>,
): MessagesOptions {
  const wanted = (name: string, flag: string): string => {
    const value = textOption(options, name);
    if (value === undefined || value === "" || /\s/.test(value)) throw usage(`${flag} must be named, without blanks`);
    return value;
  };
  const dead = textOption(options, "dead");
  const subject = textOption(options, "subject");
  const consumer = textOption(options, "consumer") ?? `millrace-${model.replaceAll(/[^A-Za-z0-9_-]/g, "-")}`;
  if (/[\s.*>/\\]/.test(consumer)) throw usage(`--consumer must have no blanks and no . * > / \\, got "${consumer}"`);
  const ackWaitMs = parseDuration(textOption(options, "ackWait") ?? "60s");
  if (ackWaitMs === undefined || ackWaitMs < 1000) throw usage("--ack-wait must be a duration of at least 1s");
  return {
    model,
    url: addressOfServer(textOption(options, "nats"), environment),
    stream: wanted("from", "--from"),
    to: wanted("to", "--to"),
    ...(dead === undefined ? {} : { dead }),
    ...(subject === undefined ? {} : { subject }),
    consumer,
    ackWaitMs,
  };
}

/** Everybody on the machine can read a command line. */
function addressOfServer(given: string | undefined, environment: Readonly<Record<string, string | undefined>>): string {
  const url = given ?? environment["NATS_URL"];
  if (url === undefined) throw usage("name the server: --nats nats://host:4222, or NATS_URL in the environment");
  if (!/^(nats|tls):\/\//.test(url) || !URL.canParse(url))
    throw usage("the server's address must be such as nats://host:4222");
  if (given !== undefined && new URL(given).username !== "")
    throw usage("--nats must not hold a password or a token: put the address into NATS_URL");
  return url;
}

function usage(reason: string): MillraceError {
  return new MillraceError("USAGE", { reason });
}
