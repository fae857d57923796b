import { MillraceError } from "../../core/errors/error.ts";
import { formatBytes } from "../limits.ts";

const newline = 0x0a;
const quote = 0x22;

/** How records end: at every newline, or, in CSV, at every newline outside of quotes. */
export type RecordForm = "jsonl" | "csv";

/**
 * The records of a stream of bytes, in groups of at most `most`, each without its newline; empty ones are left out. At most
 * one record and one chunk are held at a time. Throws REQUEST_TOO_LARGE for a record of more than `maxBytes`.
 */
export async function* recordsOf(
  chunks: AsyncIterable<Uint8Array>,
  form: RecordForm,
  limits: { readonly maxBytes: number; readonly most: number },
): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let group: Buffer[] = [];
  const endOf = endsOf(form);
  for await (const given of chunks) {
    const chunk = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    let start = 0;
    for (let end = endOf(chunk, 0); end !== -1; end = endOf(chunk, start)) {
      const part = chunk.subarray(start, end);
      const record = trimmed(rest.length === 0 ? part : Buffer.concat([...rest, part]), limits.maxBytes);
      rest = [];
      restBytes = 0;
      start = end + 1;
      if (record.length > 0) group.push(record);
      if (group.length < limits.most) continue;
      yield group;
      group = [];
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
      if (restBytes > limits.maxBytes) throw tooLarge(limits.maxBytes);
    }
    // What came is answered before more is read: a slow sender sees its answers.
    if (group.length > 0) yield group;
    group = [];
  }
  const last = trimmed(Buffer.concat(rest), limits.maxBytes);
  if (last.length > 0) yield [last];
}

/** Finds where the record ends that goes on at `at`, or -1; of chunks that follow each other. */
function endsOf(form: RecordForm): (chunk: Buffer, at: number) => number {
  if (form === "jsonl") return (chunk, at) => chunk.indexOf(newline, at);
  let isQuoted = false;
  return (chunk, at) => {
    for (let i = at; i < chunk.length; ++i) {
      if (chunk[i] === quote) isQuoted = !isQuoted;
      else if (chunk[i] === newline && !isQuoted) return i;
    }
    return -1;
  };
}

function trimmed(record: Buffer, maxBytes: number): Buffer {
  if (record.length > maxBytes) throw tooLarge(maxBytes);
  return record.at(-1) === 0x0d ? record.subarray(0, -1) : record;
}

function tooLarge(maxBytes: number): MillraceError {
  return new MillraceError("REQUEST_TOO_LARGE", {
    subject: "one row of a batch",
    limit: formatBytes(maxBytes),
    actual: "more",
  });
}
