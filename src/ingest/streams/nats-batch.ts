import { fromEnvironment } from "../databases/database-rows.ts";
import type { SourceDescription } from "../source.ts";
import { mostBatchBytes, type StreamBatch, type StreamMessage } from "./batch.ts";
import { loadNats, natsAddress } from "./nats-connection.ts";
import type { NatsStream } from "./stream-source.ts";

type JsMsg = import("@nats-io/jetstream").JsMsg;
type JetStreamManager = import("@nats-io/jetstream").JetStreamManager;

/** Messages that nobody acknowledged within this time come again. */
const ackWaitMs = 60_000;
const nanosPerMs = 1_000_000;

/** Reads the next messages of a durable consumer, which is made where there is none. */
export async function openNatsBatch(source: SourceDescription, signal?: AbortSignal): Promise<StreamBatch> {
  const { maxRows, maxWaitMs } = source.stream!;
  const nats = source.stream!.nats!;
  const [transport, jetstream] = await loadNats("a source of stream({ nats })");
  const url = typeof nats.url === "string" ? nats.url : fromEnvironment(source.path, nats.url);
  const connection = await transport.connect({ ...natsAddress(source.path, url), maxReconnectAttempts: 2 });
  const close = (): Promise<void> => connection.close();
  const cancel = (): void => void close();
  signal?.addEventListener("abort", cancel);
  try {
    const created = await makeConsumer(await jetstream.jetstreamManager(connection), nats);
    const consumer = await jetstream.jetstream(connection).consumers.get(nats.stream, nats.consumer);
    const taken: JsMsg[] = [];
    let nBytes = 0;
    const { num_pending: pending, num_ack_pending: unacknowledged, ack_floor: floor } = await consumer.info();
    if (pending + unacknowledged > 0) {
      const fetched = await consumer.fetch({ max_messages: maxRows, expires: maxWaitMs });
      for await (const message of fetched) {
        taken.push(message);
        nBytes += message.data.length;
        if (message.info.pending === 0 || nBytes > mostBatchBytes) break;
      }
    }
    if (signal?.aborted) throw new Error("it was cancelled");
    return {
      messages: taken.map((message) => messageOf(message, created)),
      settled: [{ partition: created, sequence: floor.stream_seq }],
      close,
      async acknowledge() {
        for (const message of taken) message.ack();
        await connection.flush();
      },
    };
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** Makes the consumer where there is none, and tells when its stream was made. */
async function makeConsumer(manager: JetStreamManager, nats: NatsStream): Promise<string> {
  const { created } = await manager.streams.info(nats.stream);
  await manager.consumers.add(nats.stream, {
    durable_name: nats.consumer,
    ack_policy: "explicit",
    ack_wait: ackWaitMs * nanosPerMs,
    max_ack_pending: -1,
    ...(nats.subject === undefined ? {} : { filter_subject: nats.subject }),
  });
  return created;
}

function messageOf(message: JsMsg, created: string): StreamMessage {
  return { partition: created, sequence: message.seq, subject: message.subject, bytes: message.data };
}
