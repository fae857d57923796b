import { type Duration, parseTimeout } from "../../core/duration.ts";
import { invalidDefinition } from "../../frame/definition-fault.ts";
import { type FromEnvironment, variable } from "../databases/database-source.ts";
import type { Source, SourceOptions } from "../source.ts";

/** A JetStream stream of NATS, read by a durable pull consumer. */
export interface NatsStream {
  /** Such as "nats://nats.example:4222"; one that holds a password or a token must come from the environment. */
  readonly url: string | FromEnvironment;
  readonly stream: string;
  /** Name of the durable consumer, made where there is none. Give each store one of its own: they share its messages. */
  readonly consumer: string;
  /** Only messages of subjects that match. */
  readonly subject?: string;
}

/** A topic of Kafka, read by a consumer group. */
export interface KafkaStream {
  /** Such as "kafka.example:9092"; of the environment, several parted by commas. */
  readonly brokers: readonly string[] | FromEnvironment;
  readonly topic: string;
  /** The consumer group. Give each store one of its own: they share its messages. */
  readonly group: string;
  /** SASL/PLAIN over TLS. */
  readonly user?: FromEnvironment;
  readonly password?: FromEnvironment;
}

/** Which stream is read and how much of it at once, as plain data without secrets. */
export interface StreamDescription {
  readonly nats?: NatsStream;
  readonly kafka?: KafkaStream;
  readonly maxRows: number;
  readonly maxWaitMs: number;
}

interface BatchOptions extends Pick<SourceOptions, "missing"> {
  /** Messages of a run at most; what is left waits for the next. Default 100,000. */
  readonly maxRows?: number;
  /** How long a run waits for messages at most. Default "5s". */
  readonly maxWait?: Duration;
}

export type StreamOptions = BatchOptions &
  ({ readonly nats: NatsStream; readonly kafka?: never } | { readonly kafka: KafkaStream; readonly nats?: never });

const mostRows = 10_000_000;

/**
 * Messages of a stream as rows, each a JSON object: those that were read before and at most `maxRows` new ones a run. They
 * are acknowledged after the snapshot that holds them is committed, and told by their sequence, so that none is lost and none
 * counts twice. Messages that are no JSON objects are set aside with their sequence.
 *
 * Needs the packages `@nats-io/transport-node` and `@nats-io/jetstream`, or `@platformatic/kafka`. Throws DEFINITION_INVALID.
 */
export function stream(options: StreamOptions): Source {
  const { nats, kafka, missing, maxRows = 100_000 } = options;
  if ((nats === undefined) === (kafka === undefined))
    throw invalidDefinition("stream()", "needs either `nats` or `kafka`", nats === undefined ? "neither" : "both");
  if (!Number.isInteger(maxRows) || maxRows < 1 || maxRows > mostRows)
    throw invalidDefinition("stream(): maxRows", `must be an integer from 1 to ${mostRows}`, String(maxRows));
  const maxWaitMs = parseTimeout(options.maxWait ?? "5s");
  if (maxWaitMs === undefined || maxWaitMs < 1000)
    throw invalidDefinition(
      "stream(): maxWait",
      'must be a duration from "1s" to 24 days',
      JSON.stringify(options.maxWait),
    );
  const source = nats ? { nats: checkedNats(nats) } : { kafka: checkedKafka(kafka!) };
  return Object.freeze({
    kind: "stream",
    path: nats ? `nats ${nats.stream}` : `kafka ${kafka!.topic}`,
    ...(missing ? { missing: Object.freeze([...missing]) } : {}),
    stream: Object.freeze({ ...source, maxRows, maxWaitMs }),
  });
}

function checkedNats({ url, stream: name, consumer, subject }: NatsStream): NatsStream {
  if (typeof url === "string") {
    if (!/^(nats|tls):\/\//.test(url) || !URL.canParse(url))
      throw invalidDefinition("stream(): nats.url", "must be an address such as nats://host:4222", "another text");
    if (new URL(url).username !== "") {
      const rule = 'must not hold a password or a token: write url: { env: "NATS_URL" }';
      throw invalidDefinition("stream(): nats.url", rule, "an address with one");
    }
  }
  for (const [member, value] of Object.entries({ stream: name, consumer }))
    if (typeof value !== "string" || !/^[^\s.*>/\\]+$/.test(value))
      throw invalidDefinition(
        `stream(): nats.${member}`,
        "must be a name without blanks and . * > / \\",
        JSON.stringify(value),
      );
  return Object.freeze({
    url: typeof url === "string" ? url : variable("stream(): nats.url", url),
    stream: name,
    consumer,
    ...(subject === undefined ? {} : { subject }),
  });
}

function checkedKafka({ brokers, topic, group, user, password }: KafkaStream): KafkaStream {
  for (const [member, value] of Object.entries({ topic, group }))
    if (typeof value !== "string" || value === "")
      throw invalidDefinition(`stream(): kafka.${member}`, "must be a name", JSON.stringify(value));
  if ((user === undefined) !== (password === undefined))
    throw invalidDefinition("stream(): kafka", "takes `user` and `password` together", "one of them");
  const isList = Array.isArray(brokers);
  if (isList && !(brokers as readonly string[]).every((broker) => /^[^\s:/@]+:\d+$/.test(broker)))
    throw invalidDefinition("stream(): kafka.brokers", 'must be a list such as ["host:9092"]', "other texts");
  return Object.freeze({
    brokers: isList
      ? Object.freeze([...(brokers as readonly string[])])
      : variable("stream(): kafka.brokers", brokers as FromEnvironment),
    topic,
    group,
    ...(user === undefined ? {} : { user: variable("stream(): kafka.user", user) }),
    ...(password === undefined ? {} : { password: variable("stream(): kafka.password", password) }),
  });
}
