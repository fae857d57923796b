import { byteOrderMarkLength } from "./byte-order-mark.ts";

/** Why a file is not JSON lines or no list of objects; the message names the line or the element, counted from 1. */
export class JsonLinesFault extends Error {}

/** What the platform's parser says of a text, without the piece of it that some releases of Node.js quote. */
export function jsonFault(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `no JSON: ${message.replace(/, (?:\.\.\.)?".*$/s, "")}`;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
/** A small packed file can unpack to any size: what is larger or nested deeper is no row of a table. */
export const largestElement: number = 64 * 1024 * 1024;
export const deepestNesting = 1_000;

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Where between elements the next byte stands. */
const beforeList = 0;
const atFirst = 1;
const inElement = 2;
const atNext = 3;
const afterList = 4;

/**
 * The elements of a JSON list as bytes, one after the other, without reading the whole: brackets are counted outside of
 * strings. What an element holds is for the parser to judge; what stands between them is judged here.
 *
 * Throws JsonLinesFault where the text is no list.
 */
export async function* splitElements(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let state = beforeList;
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let carry: Buffer[] = [];
  let carried = 0;
  let nElements = 0;
  let isFirstChunk = true;
  for await (const given of chunks) {
    const chunk = isFirstChunk ? given.subarray(byteOrderMarkLength(given)) : given;
    isFirstChunk = false;
    let start = 0;
    for (let i = 0; i < chunk.length; ++i) {
      const byte = chunk[i]!;
      if (state === inElement) {
        if (inString) {
          if (isEscaped) isEscaped = false;
          else if (byte === backslash) isEscaped = true;
          else if (byte === quote) inString = false;
          continue;
        }
        if (byte === quote) inString = true;
        else if (byte === openList || byte === openObject) {
          if (++depth > deepestNesting) throw new JsonLinesFault(`element ${nElements + 1} is nested too deep`);
        } else if (depth > 0 && (byte === closeList || byte === closeObject)) --depth;
        else if (depth === 0 && (byte === comma || byte === closeList)) {
          const tail = chunk.subarray(start, i);
          yield carry.length > 0 ? Buffer.concat([...carry, tail]) : tail;
          carry = [];
          carried = 0;
          ++nElements;
          state = byte === comma ? atNext : afterList;
        }
        continue;
      }
      if (isBlank(byte)) continue;
      if (state === beforeList && byte === openList) state = atFirst;
      else if (state === beforeList) throw new JsonLinesFault("it is no list: it does not begin with [");
      else if (state === afterList) throw new JsonLinesFault("something follows the end of the list");
      else if (state === atFirst && byte === closeList) state = afterList;
      else {
        if (byte === comma || byte === closeList) throw new JsonLinesFault(`element ${nElements + 1} is empty`);
        state = inElement;
        start = i;
        --i;
      }
    }
    if (state !== inElement) continue;
    carried += chunk.length - start;
    if (carried > largestElement) throw new JsonLinesFault(`element ${nElements + 1} is larger than 64 MiB`);
    carry.push(Buffer.from(chunk.subarray(start)));
  }
  if (state !== afterList) throw new JsonLinesFault(`the list is cut off in element ${nElements + 1}`);
}
