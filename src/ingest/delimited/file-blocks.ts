import { openBytes } from "../byte-stream.ts";
import { newline, quote } from "./grammar.ts";

export const blockBytes: number = 1 << 22;
/** A record longer than this is left to the slow way. */
const longestBlock = 1 << 24;

/**
 * The bytes of a file in stretches of whole lines of about 4 MB that end where an even number of quotes has gone before:
 * where records end, unless quotes stand inside of cells without meaning anything; the one who parses finds out. The cuts
 * depend on the bytes alone. The last line may lack its end. Each stretch owns its memory, so that a thread may have it;
 * `memoryOf` gives such memory of a length.
 *
 * Yields null where no cut is found.
 */
export async function* readBlocks(
  path: string,
  quotes: boolean,
  signal: AbortSignal | undefined,
  memoryOf: (length: number) => Buffer = ownBuffer,
): AsyncGenerator<Buffer | null, void, void> {
  const reader = await openBytes(path, signal);
  try {
    let block = memoryOf(blockBytes);
    let filled = 0;
    for (;;) {
      const count = await reader.read(block, filled);
      if (count === 0) break;
      filled += count;
      if (filled < block.length) continue;
      const cut = lastRecordEnd(block, quotes);
      const rest = block.subarray(cut);
      if (cut === 0 && block.length >= longestBlock) {
        yield null;
        return;
      }
      const next = memoryOf(cut === 0 ? 2 * block.length : Math.max(blockBytes, 2 * rest.length));
      filled = rest.copy(next);
      const whole = block.subarray(0, cut);
      block = next;
      if (whole.length > 0) yield whole;
    }
    if (filled > 0) yield block.subarray(0, filled);
  } finally {
    await reader.close();
  }
}

/** The stretch with its last line ended. */
export function withLineEnd(block: Buffer, lineEnd: string): Buffer {
  if (block.length === 0 || block.at(-1) === newline) return block;
  const ended = ownBuffer(block.length + lineEnd.length);
  block.copy(ended);
  ended.write(lineEnd, block.length, "latin1");
  return ended;
}

/** Node's own buffers may share memory that is not theirs to give away. */
export function ownBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

/** The position after the last line end that stands outside of quotes; 0 where there is none. */
function lastRecordEnd(block: Buffer, quotes: boolean): number {
  const last = block.lastIndexOf(newline) + 1;
  if (!quotes || block.indexOf(quote) < 0) return last;
  let end = last;
  let isOpen = countOf(quote, block, 0, last) % 2 === 1;
  while (isOpen && end > 0) {
    const before = end > 1 ? block.lastIndexOf(newline, end - 2) + 1 : 0;
    if (countOf(quote, block, before, end) % 2 === 1) isOpen = false;
    end = before;
  }
  return end;
}

function countOf(byte: number, block: Buffer, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; ++i) if (block[i] === byte) ++count;
  return count;
}
