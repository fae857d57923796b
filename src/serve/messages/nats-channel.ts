import { setImmediate } from "node:timers/promises";
import { MillraceError, isMillraceError } from "../../core/errors/error.ts";
import { loadNats } from "../../ingest/streams/nats-connection.ts";
import { formatTraceparent } from "../tracing/trace-context.ts";
import type { Message, MessageChannel, Refusal } from "./channel.ts";
import { type NatsChannelOptions, openConsumer, type OpenConsumer } from "./nats-consumer.ts";

type JsMsg = import("@nats-io/jetstream").JsMsg;
type ConsumerMessages = import("@nats-io/jetstream").ConsumerMessages;
type Headers = Readonly<Record<string, string>>;

/** One request for messages lasts so long; then the next is made. */
const fetchMs = 30_000;
const mostDetail = 500;

/**
 * Messages of a durable JetStream consumer, answered under another subject. An answer's `Nats-Msg-Id` is made from stream,
 * consumer and sequence of what it answers, so that its stream keeps one of those sent within its duplicate window. Throws
 * PACKAGE_MISSING, STREAM_FAILED where the server cannot be reached or holds no such stream, and STREAM_UNSUITED.
 */
export async function openNatsChannel(options: NatsChannelOptions): Promise<MessageChannel> {
  const channel = new NatsChannel(options);
  await channel.open();
  return channel;
}

class NatsChannel implements MessageChannel {
  readonly system = "nats";
  readonly #options: NatsChannelOptions;
  /** Messages that were given out, by themselves. */
  readonly #taken = new WeakMap<Message, JsMsg>();
  readonly #unsettled = new Set<JsMsg>();
  #opened: OpenConsumer | null = null;
  #opening: Promise<void> | null = null;
  #fetched: ConsumerMessages | null = null;
  #iterator: AsyncIterator<JsMsg> | null = null;
  #next: Promise<IteratorResult<JsMsg>> | null = null;
  #waiting = 0;
  #isStopped = false;

  constructor(options: NatsChannelOptions) {
    this.#options = options;
  }

  get stream(): string {
    return this.#options.stream;
  }

  get consumer(): string {
    return this.#options.consumer;
  }

  get to(): string {
    return this.#options.to;
  }

  get dead(): string | null {
    return this.#options.dead ?? null;
  }

  get mostBytes(): number {
    const headers = { ...this.#headersOf(Number.MAX_SAFE_INTEGER), ...traceHeader(longestTraceparent) };
    return this.#mostBytesUnder(this.#options.to) - headerBytes(headers);
  }

  waiting(): number {
    return this.#waiting;
  }

  /** Many answers may find the connection closed at once: one of them opens another. */
  open(): Promise<void> {
    if (this.#opened && !this.#opened.connection.isClosed()) return Promise.resolve();
    return (this.#opening ??= this.#attempt(async () => {
      this.#opened = await openConsumer(this.#options);
      this.#iterator = null;
      this.#next = null;
    }).finally(() => (this.#opening = null)));
  }

  async take(most: number): Promise<readonly Message[] | null> {
    await this.open();
    return this.#attempt(() => this.#takeOpened(most));
  }

  async #takeOpened(most: number): Promise<readonly Message[] | null> {
    const taken: Message[] = [];
    try {
      const turn = Symbol("turn");
      let endOfTurn: Promise<symbol> | null = null;
      while (taken.length < most && !this.#isStopped) {
        this.#next ??= this.#nextOf(await this.#messages(most));
        // What came in the same turn of the event loop is answered together; nobody waits for more.
        const found = await (endOfTurn ? Promise.race([this.#next, endOfTurn]) : this.#next);
        if (typeof found === "symbol") break;
        this.#next = null;
        if (found.done) {
          this.#iterator = null;
          break;
        }
        endOfTurn ??= setImmediate(turn);
        taken.push(this.#keep(found.value));
      }
    } catch (error) {
      this.#iterator = null;
      this.#next = null;
      if (taken.length === 0) {
        this.#leave();
        throw error;
      }
    }
    return taken.length === 0 && this.#isStopped ? null : taken;
  }

  async answer(message: Message, text: string, traceparent: string | null): Promise<void> {
    await this.open();
    await this.#publish(this.#options.to, text, { ...this.#headersOf(message.sequence), ...traceHeader(traceparent) });
  }

  async setAside(message: Message, { code, detail }: Refusal, traceparent: string | null): Promise<void> {
    const { dead, stream } = this.#options;
    if (dead === undefined) return;
    await this.open();
    const mostBytes = this.#mostBytesUnder(dead);
    // A quarter, so that the other headers have room where messages must be short.
    const most = Math.min(mostDetail, mostBytes >> 2);
    const headers = {
      ...this.#headersOf(message.sequence),
      ...traceHeader(traceparent),
      "Millrace-Code": code,
      "Millrace-Detail": detail.slice(0, most).replaceAll(/[^\x20-\x7e]/g, "?"),
      "Millrace-Stream": stream,
      "Millrace-Sequence": String(message.sequence),
    };
    if (headerBytes(headers) + message.bytes.length <= mostBytes) return this.#publish(dead, message.bytes, headers);
    await this.#publish(dead, "", { ...headers, "Millrace-Body": "left in the stream" });
  }

  acknowledge(message: Message): void {
    this.#settle(message, (one) => one.ack());
  }

  terminate(message: Message): void {
    // Without a reason: servers before 2.10.4 do not know what that is, and would send the message again.
    this.#settle(message, (one) => one.term());
  }

  stop(): void {
    this.#isStopped = true;
    void this.#fetched?.close();
  }

  async close(): Promise<void> {
    this.stop();
    const { connection } = this.#opened ?? {};
    if (!connection || connection.isClosed()) return;
    // What was fetched and never taken: another process may have it at once.
    for (;;) {
      const rest = await (this.#next ?? this.#iterator?.next())?.catch(() => null);
      this.#next = null;
      if (!rest || rest.done) break;
      rest.value.nak();
    }
    for (const message of this.#unsettled) message.nak();
    await connection.drain().catch(() => connection.close());
  }

  #keep(one: JsMsg): Message {
    this.#waiting = one.info.pending;
    const id = one.headers?.get("Nats-Msg-Id");
    const message = Object.freeze({
      sequence: one.seq,
      id: id === undefined || id === "" ? null : id,
      headers: headersByName(one),
      bytes: one.data,
    });
    this.#taken.set(message, one);
    this.#unsettled.add(one);
    return message;
  }

  #settle(message: Message, say: (one: JsMsg) => void): void {
    const one = this.#taken.get(message);
    if (!one) return;
    this.#unsettled.delete(one);
    try {
      say(one);
    } catch {
      // Its connection is gone: it comes again, and its answer is known by its id.
    }
  }

  async #messages(most: number): Promise<AsyncIterator<JsMsg>> {
    if (this.#iterator) return this.#iterator;
    this.#fetched = await this.#opened!.consumer.fetch({ max_messages: most, expires: fetchMs });
    if (this.#isStopped) void this.#fetched.close();
    return (this.#iterator = this.#fetched[Symbol.asyncIterator]());
  }

  #nextOf(iterator: AsyncIterator<JsMsg>): Promise<IteratorResult<JsMsg>> {
    const next = iterator.next();
    // Who waits for it hears of its failure; where nobody does yet, it is no fault of the process.
    next.catch(() => {});
    return next;
  }

  /** The consumer may be gone: open() makes it anew. To be called where no message is unsettled, which would go with the connection. */
  #leave(): void {
    const { connection } = this.#opened!;
    this.#opened = null;
    connection.close().catch(() => {});
  }

  /** Of a message with its headers. */
  #mostBytesUnder(subject: string): number {
    return this.#opened?.mostBytes.get(subject) ?? 1024 * 1024;
  }

  /** The id of what is sent for a message, by which a stream tells what it has. */
  #headersOf(sequence: number): Headers {
    const { stream, consumer, model } = this.#options;
    return { "Nats-Msg-Id": `${encodeURIComponent(model)} ${stream} ${this.#opened?.created} ${consumer} ${sequence}` };
  }

  async #publish(subject: string, body: string | Uint8Array, headers: Headers): Promise<void> {
    await this.#attempt(async () => {
      const [transport] = await loadNats("a stream of messages");
      const all = transport.headers();
      for (const [name, value] of Object.entries(headers)) all.set(name, value);
      await this.#opened!.client.publish(subject, body, { headers: all });
    });
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isMillraceError(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new MillraceError("STREAM_FAILED", { stream: this.#options.stream, reason }, { cause: error });
    }
  }
}

/** Of one that a message has several times, all are said as HTTP says them. */
function headersByName({ headers }: JsMsg): Headers {
  if (!headers) return {};
  return Object.fromEntries(headers.keys().map((name) => [name.toLowerCase(), headers.values(name).join(", ")]));
}

const longestTraceparent = formatTraceparent({ traceId: "0".repeat(32), spanId: "0".repeat(16), isSampled: true });

function traceHeader(traceparent: string | null): Headers {
  return traceparent === null ? {} : { traceparent };
}

/** What headers take of a message: a line that names the protocol, one each, and an empty one. */
function headerBytes(headers: Headers): number {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.byteLength(`NATS/1.0\r\n${lines.join("")}\r\n`);
}
