import type { SourceDescription } from "../source.ts";

export interface StreamMessage {
  /** Where sequences count: a partition of a topic, or a stream as it was made. */
  readonly partition: string;
  readonly sequence: number;
  readonly subject: string;
  readonly bytes: Uint8Array;
}

/** Messages that are not acknowledged yet. */
export interface StreamBatch {
  /** Tells apart topics of one name, of several clusters or made anew; absent where `partition` does. */
  readonly topic?: string;
  readonly messages: readonly StreamMessage[];
  /** The sequence up to which a partition's messages were all acknowledged before, so that none of them comes again. */
  readonly settled: readonly { readonly partition: string; readonly sequence: number }[];
  /** From now on the server need not keep them for us. */
  acknowledge(): Promise<void>;
  /** Lets go of the server; what was not acknowledged comes again. */
  close(): Promise<void>;
}

/** Reads up to `maxRows` messages, until there are no more or the time is over; throws what the driver throws. */
export type OpenBatch = (source: SourceDescription, signal: AbortSignal | undefined) => Promise<StreamBatch>;

/** Messages of a batch together are no larger than about this. */
export const mostBatchBytes: number = 256 * 2 ** 20;
