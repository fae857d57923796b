import type { Message, MessageChannel, Refusal } from "./channel.ts";

/** What is sent: the body, or, with headers, both. */
export type SentMessage = string | Uint8Array | { readonly body: string; readonly headers: Message["headers"] };

/** A stream that lives in this process. A message that was taken and not settled is there for the next reader. */
export interface MemoryStream {
  send(...messages: readonly SentMessage[]): void;
  /** What was sent out, in order, by whom: each time, also where it was sent before. */
  readonly said: string[];
  readonly answers: Map<number, string>;
  readonly setAside: Map<number, Refusal>;
  /** The `traceparent` of what was sent for each message; null where it had none. */
  readonly traces: Map<number, string | null>;
  /** Messages that nobody settled. */
  open(): readonly number[];
  /** What fails from now on, or null. */
  fault: Error | null;
  channel(options?: { readonly mostBytes?: number; readonly keepsRefused?: boolean }): MessageChannel;
}

export function memoryStream(): MemoryStream {
  const messages = new Map<number, Message>();
  let sequence = 0;
  let wake: () => void = () => {};
  const stream: MemoryStream = {
    said: [],
    answers: new Map(),
    setAside: new Map(),
    traces: new Map(),
    fault: null,
    send(...sent) {
      for (const one of sent) {
        const { body, headers } =
          typeof one === "string" || one instanceof Uint8Array ? { body: one, headers: {} } : one;
        const bytes = typeof body === "string" ? Buffer.from(body) : body;
        messages.set(++sequence, { sequence, id: null, headers, bytes });
      }
      wake();
    },
    open: () => [...messages.keys()],
    channel: ({ mostBytes = 1_000_000, keepsRefused = true } = {}) => channelOf(mostBytes, keepsRefused),
  };
  const failing = (): void => {
    if (stream.fault) throw stream.fault;
  };
  const channelOf = (mostBytes: number, keepsRefused: boolean): MessageChannel => {
    const given = new Set<number>();
    let isStopped = false;
    const free = (): Message[] => [...messages.values()].filter((message) => !given.has(message.sequence));
    return {
      system: "memory",
      stream: "IN",
      consumer: "readers",
      to: "out",
      dead: keepsRefused ? "refused" : null,
      mostBytes,
      waiting: () => free().length,
      async take(most) {
        failing();
        while (!isStopped && free().length === 0) await new Promise<void>((resolve) => (wake = resolve));
        if (isStopped) return null;
        const taken = free().slice(0, most);
        for (const message of taken) given.add(message.sequence);
        return taken;
      },
      async answer(message, text, traceparent) {
        failing();
        stream.traces.set(message.sequence, traceparent);
        stream.said.push(`answer ${message.sequence}`);
        if (!stream.answers.has(message.sequence)) stream.answers.set(message.sequence, text);
      },
      async setAside(message, refusal, traceparent) {
        failing();
        stream.traces.set(message.sequence, traceparent);
        stream.said.push(`set aside ${message.sequence}`);
        if (keepsRefused) stream.setAside.set(message.sequence, refusal);
      },
      acknowledge(message) {
        stream.said.push(`acknowledge ${message.sequence}`);
        messages.delete(message.sequence);
      },
      terminate(message) {
        stream.said.push(`terminate ${message.sequence}`);
        messages.delete(message.sequence);
      },
      stop() {
        isStopped = true;
        wake();
      },
      async close() {},
    };
  };
  return stream;
}
