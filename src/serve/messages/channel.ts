/** A message that holds a row to predict. */
export interface Message {
  /** Its place in the stream. */
  readonly sequence: number;
  /** What its sender named it; null where nothing. */
  readonly id: string | null;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

/** Why a message is not answered. */
export interface Refusal {
  readonly code: string;
  readonly detail: string;
}

/** Where rows come from as messages, and where their answers go. */
export interface MessageChannel {
  /** Such as "nats". */
  readonly system: string;
  /** Of the stream that is read. */
  readonly stream: string;
  /** Whose messages they are, among those who read the stream. */
  readonly consumer: string;
  /** Where answers go, and refused messages; null = nowhere. */
  readonly to: string;
  readonly dead: string | null;
  /** The largest answer that can be sent. */
  readonly mostBytes: number;
  /** Messages that wait in the stream, as far as is known. */
  waiting(): number;
  /** Waits for messages and gives those that are there, at most `most`; null once it is closed. */
  take(most: number): Promise<readonly Message[] | null>;
  /**
   * Resolves when the answer lasts. One that was sent before for the same message is told by its id and not kept twice. `traceparent`
   * goes along as a header, where there is one.
   */
  answer(message: Message, text: string, traceparent: string | null): Promise<void>;
  /** Resolves when the message lasts where refused ones go, if there is such a place. */
  setAside(message: Message, refusal: Refusal, traceparent: string | null): Promise<void>;
  /** The message is done with; one that is not acknowledged in time comes again. */
  acknowledge(message: Message): void;
  /** As `acknowledge`, of one that was refused. */
  terminate(message: Message): void;
  /** Takes no more. */
  stop(): void;
  /** Gives back what was taken and not settled, once what was said has been heard. */
  close(): Promise<void>;
}
