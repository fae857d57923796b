import { MillraceError } from "../../core/errors/error.ts";
import { fromEnvironment } from "../databases/database-rows.ts";
import type { SourceDescription } from "../source.ts";
import { mostBatchBytes, type StreamBatch, type StreamMessage } from "./batch.ts";
import type { StreamDescription } from "./stream-source.ts";

type Kafka = typeof import("@platformatic/kafka");

/** What of the driver's consumer is used; a test has one of its own. */
export interface KafkaConsumer {
  metadata(options: { topics: string[] }): Promise<{ readonly topics: ReadonlyMap<string, { readonly id: string }> }>;
  consume(options: object): Promise<AsyncIterable<KafkaMessage> & { close(): Promise<void> }>;
  commit(options: {
    offsets: { topic: string; partition: number; offset: bigint; leaderEpoch: number }[];
  }): Promise<void>;
  close(force?: boolean): Promise<void>;
}

interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly value: Uint8Array | null | undefined;
}

/** A topic says nothing of its end: a pause of this length is taken for it. */
const quietMs = 1_500;
const connectMs = 10_000;

/** Reads the next messages of a consumer group. */
export async function openKafkaBatch(source: SourceDescription, signal?: AbortSignal): Promise<StreamBatch> {
  return readBatch(source, await connect(source), signal);
}

/** Reads messages of a consumer until enough came, none come any more, or the time is over. */
export async function readBatch(
  source: SourceDescription,
  consumer: KafkaConsumer,
  signal?: AbortSignal,
): Promise<StreamBatch> {
  const { topic } = source.stream!.kafka!;
  try {
    const made = (await consumer.metadata({ topics: [topic] })).topics.get(topic)!.id;
    const incoming = await consumer.consume({
      topics: [topic],
      autocommit: false,
      mode: "committed",
      fallbackMode: "earliest",
      maxWaitTime: 500,
    });
    const { messages, next } = await takeMessages(incoming, source.stream!, signal);
    if (signal?.aborted) throw new Error("it was cancelled");
    return {
      topic: made,
      messages,
      settled: [],
      close: async () => {
        await incoming.close();
        await consumer.close(true);
      },
      acknowledge: () => commitAll(consumer, topic, next),
    };
  } catch (error) {
    await consumer.close(true).catch(() => {});
    throw error;
  }
}

interface Taken {
  readonly messages: readonly StreamMessage[];
  /** By partition, the offset behind the last message. */
  readonly next: ReadonlyMap<number, bigint>;
}

async function takeMessages(
  incoming: AsyncIterable<KafkaMessage>,
  { maxRows, maxWaitMs }: StreamDescription,
  signal: AbortSignal | undefined,
): Promise<Taken> {
  const late = AbortSignal.timeout(maxWaitMs);
  const end = signal ? AbortSignal.any([signal, late]) : late;
  const iterator = incoming[Symbol.asyncIterator]();
  const messages: StreamMessage[] = [];
  const next = new Map<number, bigint>();
  let nBytes = 0;
  while (messages.length < maxRows && nBytes < mostBatchBytes && !end.aborted) {
    const found = await within(iterator.next(), messages.length === 0 ? maxWaitMs : quietMs, end);
    if (found === null || found.done === true) break;
    const { partition, offset, value, topic } = found.value;
    const bytes = value ?? new Uint8Array(0);
    nBytes += bytes.length;
    next.set(partition, offset + 1n);
    messages.push({ partition: String(partition), sequence: Number(offset), subject: topic, bytes });
  }
  return { messages, next };
}

async function commitAll(consumer: KafkaConsumer, topic: string, next: ReadonlyMap<number, bigint>): Promise<void> {
  const offsets = [...next].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 }));
  if (offsets.length > 0) await consumer.commit({ offsets });
}

/** null where the time is over first. */
async function within<T>(work: Promise<T>, ms: number, end: AbortSignal): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};
  const over = new Promise<null>((resolve) => {
    stop = () => resolve(null);
    timer = setTimeout(stop, ms);
    end.addEventListener("abort", stop);
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
    end.removeEventListener("abort", stop);
  }
}

async function connect({ path, stream }: SourceDescription): Promise<KafkaConsumer> {
  const { brokers, group, user, password } = stream!.kafka!;
  const { Consumer } = await loadDriver();
  const list = "env" in brokers ? fromEnvironment(path, brokers).split(",") : [...brokers];
  return new Consumer({
    groupId: group,
    clientId: "millrace",
    bootstrapBrokers: list.map((broker) => broker.trim()),
    autocommit: false,
    connectTimeout: connectMs,
    retries: 2,
    ...(user && password
      ? {
          tls: {},
          sasl: {
            mechanism: "PLAIN" as const,
            username: fromEnvironment(path, user),
            password: fromEnvironment(path, password),
          },
        }
      : {}),
  }) as unknown as KafkaConsumer;
}

async function loadDriver(): Promise<Pick<Kafka, "Consumer">> {
  try {
    return await import("@platformatic/kafka");
  } catch (error) {
    const packages = ["@platformatic/kafka"];
    throw new MillraceError("PACKAGE_MISSING", { needs: "a source of stream({ kafka })", packages }, { cause: error });
  }
}
