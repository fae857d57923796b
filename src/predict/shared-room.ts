import { isShared, sharedBuffer } from "../core/shared-memory.ts";

type Numbers = Float64Array | Uint32Array | Int32Array | Uint8Array;
type Copy = <N extends Numbers>(values: N) => N;

/** Plain data with every typed array in memory that threads share: itself where it is there, else a copy. */
export function copied<T>(value: T, copy: Copy): T {
  if (ArrayBuffer.isView(value)) {
    const numbers = value as unknown as Numbers;
    return (isShared(numbers) ? numbers : copy(numbers)) as T;
  }
  if (Array.isArray(value)) return value.map((part) => copied(part, copy)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copied(part, copy)])) as T;
}

/** In memory of its own. */
export function sharedCopy<N extends Numbers>(values: N): N {
  return copyTo(sharedBuffer(values.byteLength), 0, values);
}

function copyTo<N extends Numbers>(memory: ArrayBufferLike, at: number, values: N): N {
  const Kind = values.constructor as new (memory: ArrayBufferLike, at: number, length: number) => N;
  const copy = new Kind(memory, at, values.length);
  copy.set(values);
  return copy;
}

/** Shared memory for the arrays of one call. */
export interface Room {
  readonly copy: Copy;
  giveBack(): void;
}

/** That of the call before, for the next one: threads let go of what they were given only when they collect garbage. */
let spare: ArrayBufferLike | null = null;
let dismissal: NodeJS.Timeout | undefined;
const spareMs = 5000;

/** Room for so many bytes; to be given back when no thread reads it any more. */
export function takeRoom(nBytes: number): Room {
  const memory = spare !== null && spare.byteLength >= nBytes ? spare : sharedBuffer(nBytes);
  spare = null;
  let end = 0;
  return {
    copy(values) {
      const at = end;
      end += inWords(values.byteLength);
      return copyTo(memory, at, values);
    },
    giveBack() {
      clearTimeout(dismissal);
      spare = memory;
      dismissal = setTimeout(() => (spare = null), spareMs).unref();
    },
  };
}

/** Bytes that the arrays of plain data take which are not in shared memory. */
export function roomFor(value: unknown): number {
  let nBytes = 0;
  copied(value, (values) => {
    nBytes += inWords(values.byteLength);
    return values;
  });
  return nBytes;
}

/** So many bytes, up to a place where any number may stand. */
const inWords = (nBytes: number): number => Math.ceil(nBytes / 8) * 8;
