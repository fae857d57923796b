import { requestIdHeader } from "../request-id.ts";
import type { Attributes, Sending, Tracing } from "../tracing/tracing.ts";
import type { Asker } from "../traffic/arm.ts";
import type { Message, MessageChannel, Refusal } from "./channel.ts";

/** A message as one that asks: its headers, and what tells it from others. */
export interface AskedMessage {
  readonly message: Message;
  readonly asker: Asker;
  /** The header of what goes out for it where its trace is not kept; null where nobody traces. */
  readonly traceparent: string | null;
}

/** What goes out for a message: an answer, or the message itself where it is set aside. */
export interface SentForMessage {
  /** The header that goes with it; null where nobody traces. */
  readonly traceparent: string | null;
  readonly end: () => void;
}

/**
 * The spans of messages, by OpenTelemetry's conventions for messaging: one each from when it is taken until it is settled, which goes on
 * from the message's `traceparent`, and as its child one of what is sent for it. Bodies and what senders name are in none.
 */
export class MessageSpans {
  readonly #tracing: Tracing | null;
  readonly #channel: MessageChannel;

  constructor(tracing: Tracing | null, channel: MessageChannel) {
    this.#tracing = tracing;
    this.#channel = channel;
  }

  /** A message that comes again has the same id, and gets the version it had. */
  begin(message: Message): AskedMessage {
    const { sequence, id, headers } = message;
    const asker = { headers: { [requestIdHeader]: id ?? `${this.#channel.stream} ${sequence}`, ...headers } };
    return { message, asker, traceparent: this.#tracing?.begin(asker) ?? null };
  }

  /** `subject` is null where nothing goes out. */
  sending({ asker, traceparent }: AskedMessage, subject: string | null): SentForMessage {
    const sent = subject === null ? null : this.#send(asker, subject);
    return sent ?? { traceparent, end: () => {} };
  }

  #send(asker: Asker, subject: string): Sending | null {
    const attributes = this.#attributesOf("send", subject);
    return this.#tracing?.send(asker, `send ${subject}`, attributes) ?? null;
  }

  end({ asker, message }: AskedMessage, refusal: Refusal | null): void {
    const { stream, consumer } = this.#channel;
    this.#tracing?.end(asker, {
      name: `process ${stream}`,
      kind: "message",
      attributes: {
        ...this.#attributesOf("process", stream),
        "messaging.consumer.group.name": consumer,
        "messaging.message.id": String(message.sequence),
        "messaging.message.body.size": message.bytes.length,
        ...(refusal && { "error.type": refusal.code }),
      },
      hasFailed: refusal?.code === "INTERNAL",
    });
  }

  #attributesOf(operation: "process" | "send", destination: string): Attributes {
    return {
      "messaging.system": this.#channel.system,
      "messaging.operation.name": operation,
      "messaging.operation.type": operation,
      "messaging.destination.name": destination,
    };
  }
}
