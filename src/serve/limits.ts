/** What a request may cost. */
export interface ServerLimits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** Levels of nested objects and arrays in a body. */
  readonly jsonDepth: number;
  /** Rows a request. */
  readonly rows: number;
  /** Rows a request that asks for explanations: each costs as much as some dozens of predictions. */
  readonly explainedRows: number;
  /** Time for a request to arrive whole, and for its headers. */
  readonly requestMs: number;
  readonly headersMs: number;
  /** Time for a batch to arrive and be answered, and batches at one time; more get 429. */
  readonly batchMs: number;
  readonly batches: number;
  /** Of these, batches in Parquet: each is kept in a file until it is whole, and read by a process that may take some 350 MB. */
  readonly batchFiles: number;
  readonly batchFileBytes: number;
  /** Requests being answered at one time; more get 429, but for probes and files. */
  readonly inFlight: number;
  /** Refused keys a minute and address; more get 429. */
  readonly keyFailures: number;
  /** Issues listed in an answer; the count is always whole. */
  readonly issues: number;
  /** Longest wait for open requests when the server closes. */
  readonly drainMs: number;
}

export const defaultLimits: ServerLimits = Object.freeze({
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  jsonDepth: 32,
  rows: 1000,
  explainedRows: 100,
  requestMs: 10_000,
  headersMs: 5000,
  batchMs: 600_000,
  batches: 4,
  batchFiles: 2,
  batchFileBytes: 1024 * 1024 * 1024,
  inFlight: 256,
  keyFailures: 10,
  issues: 100,
  drainMs: 10_000,
});

/** A number of bytes for people: "1 GiB", "1 MiB", "16 KiB", "300 bytes". */
export function formatBytes(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${Math.round((10 * bytes) / 1024 ** 3) / 10} GiB`;
  if (bytes >= 1024 * 1024) return `${Math.round((10 * bytes) / 1024 / 1024) / 10} MiB`;
  return bytes >= 1024 ? `${Math.round((10 * bytes) / 1024) / 10} KiB` : `${bytes} bytes`;
}
