import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { PredictContext } from "../serve/answer-rows.ts";
import { answerMessages, type MessageEvent } from "../serve/messages/answer-messages.ts";
import { openNatsChannel } from "../serve/messages/nats-channel.ts";
import type { NatsChannelOptions } from "../serve/messages/nats-consumer.ts";
import type { Project } from "./project.ts";
import type { ServerLog } from "./server-log.ts";

/** Which messages are answered by which model; `model` may be "model@alias". */
export type MessagesOptions = NatsChannelOptions;

/** Answers messages until it is stopped. Throws MODEL_NOT_FOUND, and what `openNatsChannel` throws. */
export async function startMessages(
  { registry }: Project,
  context: PredictContext,
  options: MessagesOptions,
  serverLog: ServerLog,
): Promise<{ stop(): Promise<void> }> {
  const { model, stream, to } = options;
  const found = (await registry.models()).map((one) => one.model);
  if (!found.some((name) => name === model || model.startsWith(`${name}@`)))
    throw new MillraceError("MODEL_NOT_FOUND", { model, found, nearest: nearestName(model, found) });
  const channel = await openNatsChannel(options);
  serverLog.event(`answering messages of the stream "${stream}" with ${model}, under the subject "${to}"`);
  return answerMessages({
    context,
    channel,
    model,
    onEvent: (event) => serverLog.event(describe(event, options)),
    onFault: (error) => serverLog.fault(error),
  });
}

/** A refusal by its code alone: what it says in detail may hold values of the row, which are not to stand here. */
function describe(event: MessageEvent, { stream, dead }: MessagesOptions): string {
  if (event.kind === "held")
    return `no messages are answered now; they stay (${event.error.code}: ${event.error.message})`;
  if (event.kind === "resumed") return "messages are answered again";
  const { count, sequence, refusal } = event;
  const which = count === 1 ? `message ${sequence}` : `${count} messages, the first of them ${sequence},`;
  const where = dead === undefined ? "terminated" : `set aside under "${dead}"`;
  return `${which} of "${stream}" ${where} (${refusal.code})`;
}
