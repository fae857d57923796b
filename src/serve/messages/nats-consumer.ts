import { MillraceError } from "../../core/errors/error.ts";
import { loadNats, natsAddress } from "../../ingest/streams/nats-connection.ts";

type NatsConnection = import("@nats-io/transport-node").NatsConnection;
type JetStreamManager = import("@nats-io/jetstream").JetStreamManager;
type JetStreamClient = import("@nats-io/jetstream").JetStreamClient;
type Consumer = import("@nats-io/jetstream").Consumer;

export interface NatsChannelOptions {
  /** Such as "nats://user:password@host:4222". */
  readonly url: string;
  readonly stream: string;
  /** Name of the durable consumer, made where there is none. Processes that share it share its messages. */
  readonly consumer: string;
  /** Only messages of subjects that match. Default all of the stream. */
  readonly subject?: string | undefined;
  /** Where answers go; some stream must keep this subject. */
  readonly to: string;
  /** Where messages go that cannot be answered, as they came. Default nowhere: they are said and terminated. */
  readonly dead?: string | undefined;
  /** What tells answers of this model from those of others under the same subject. */
  readonly model: string;
  /** After so long without an acknowledgement a message comes again. Default 60 s. */
  readonly ackWaitMs?: number;
}

/** What is open while the connection is. */
export interface OpenConsumer {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly consumer: Consumer;
  /** When the stream was made: of one made anew, numbers begin again. */
  readonly created: string;
  /** What a message may take with its headers, by the subject it is sent to. */
  readonly mostBytes: ReadonlyMap<string, number>;
}

const nanosPerMs = 1_000_000;

/** Connects, for as long as the process lives, and makes the consumer where there is none. */
export async function openConsumer(options: NatsChannelOptions): Promise<OpenConsumer> {
  const [transport, jetstream] = await loadNats("a stream of messages");
  const address = natsAddress(options.stream, options.url);
  const connection = await transport.connect({ ...address, maxReconnectAttempts: -1, ignoreAuthErrorAbort: true });
  try {
    const manager = await jetstream.jetstreamManager(connection);
    const { created } = await manager.streams.info(options.stream);
    const mostBytes = new Map<string, number>();
    for (const subject of [options.to, ...(options.dead === undefined ? [] : [options.dead])]) {
      const most = await mostBytesKept(manager, subject, options);
      mostBytes.set(subject, Math.min(most, connection.info!.max_payload));
    }
    await makeConsumer(manager, options);
    const client = jetstream.jetstream(connection);
    const consumer = await client.consumers.get(options.stream, options.consumer);
    return { connection, client, consumer, created, mostBytes };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * The largest message that the stream of a subject takes. Refuses a subject that nobody keeps, and one that is read here: an answer
 * would be asked for an answer.
 */
async function mostBytesKept(
  manager: JetStreamManager,
  to: string,
  { stream, subject }: NatsChannelOptions,
): Promise<number> {
  const name = await manager.streams.find(to).catch(() => null);
  const isRead = name === stream && (subject === undefined || subject === to || /[*>]/.test(subject));
  if (name !== null && !isRead) {
    // Whoever may not ask about that stream knows only what the server takes.
    const most = (await manager.streams.info(name).catch(() => null))?.config.max_msg_size ?? -1;
    return most > 0 ? most : Infinity;
  }
  throw new MillraceError("STREAM_UNSUITED", {
    subject: `the subject "${to}"`,
    rule: "be kept by a stream, and not be read here",
    actual: name === null ? "one that no stream keeps" : `one of the stream "${stream}" that is read`,
  });
}

async function makeConsumer(
  manager: JetStreamManager,
  { stream, consumer, subject, ackWaitMs = 60_000 }: NatsChannelOptions,
): Promise<void> {
  const wanted = {
    ack_policy: "explicit",
    filter_subject: subject ?? "",
    ack_wait: ackWaitMs * nanosPerMs,
  } as const;
  const found = await manager.consumers.info(stream, consumer).catch(() => null);
  if (found === null) {
    const { filter_subject: filter, ...rest } = wanted;
    const own = filter === "" ? rest : { ...rest, filter_subject: filter };
    await manager.consumers.add(stream, { durable_name: consumer, max_ack_pending: -1, ...own });
    return;
  }
  const { ack_policy: policy, filter_subject: filter = "" } = found.config;
  if (policy !== wanted.ack_policy || filter !== wanted.filter_subject)
    throw new MillraceError("STREAM_UNSUITED", {
      subject: `the consumer "${consumer}"`,
      rule: `acknowledge explicitly and read ${subject ?? "all subjects"}`,
      actual: `${policy} and ${filter === "" ? "all subjects" : filter}`,
    });
  if (found.config.ack_wait !== wanted.ack_wait)
    await manager.consumers.update(stream, consumer, { ack_wait: wanted.ack_wait });
}
