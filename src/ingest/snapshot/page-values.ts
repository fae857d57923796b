import { stretch } from "../../math/stretch.ts";
import { putVarint } from "./thrift.ts";

/**
 * Which of `n` rows have a value, by a bit each, in Parquet's hybrid of runs and bits with its length in front: one run where
 * all have one, else the bits.
 */
export function encodePresence(bits: Uint8Array, n: number, nPresent: number): Buffer {
  const head: number[] = [];
  const isRun = nPresent === n || nPresent === 0;
  if (isRun) {
    putVarint(head, n * 2);
    head.push(nPresent === 0 ? 0 : 1);
  } else putVarint(head, Math.ceil(n / 8) * 2 + 1);
  const length = head.length + (isRun ? 0 : Math.ceil(n / 8));
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32LE(length, 0);
  bytes.set(head, 4);
  if (!isRun) bytes.set(bits.subarray(0, Math.ceil(n / 8)), 4 + head.length);
  return bytes;
}

/** Bits of 0 or 1, eight a byte, the lowest first. */
export function packBits(bits: Uint8Array, n: number, out: Uint8Array): void {
  // Four at a time: byte k of a word comes down to bit k.
  const words = new Uint32Array(bits.buffer, bits.byteOffset, n >> 2);
  const nWhole = n >> 3;
  for (let k = 0; k < nWhole; ++k) {
    const low = words[2 * k]!;
    const high = words[2 * k + 1]!;
    const lowBits = (low | (low >>> 7) | (low >>> 14) | (low >>> 21)) & 15;
    const highBits = (high | (high >>> 7) | (high >>> 14) | (high >>> 21)) & 15;
    out[k] = lowBits | (highBits << 4);
  }
  if (n % 8 === 0) return;
  let byte = 0;
  for (let i = 8 * nWhole; i < n; ++i) byte |= bits[i]! << (i & 7);
  out[nWhole] = byte;
}

/** How many of the first `n` bits are set. */
export function countBits(bits: Uint8Array, n: number): number {
  let count = 0;
  for (let k = 0; k < n >> 3; ++k) {
    const byte = bits[k]!;
    const pairs = byte - ((byte >> 1) & 0x55);
    const fours = (pairs & 0x33) + ((pairs >> 2) & 0x33);
    count += (fours + (fours >> 4)) & 15;
  }
  for (let i = n - (n % 8); i < n; ++i) count += (bits[i >> 3]! >> (i & 7)) & 1;
  return count;
}

/** Bits that write every number below `size`. */
export function widthFor(size: number): number {
  return size <= 1 ? 0 : 32 - Math.clz32(size - 1);
}

/** Codes of `width` bits (up to 24) as one stretch of bits, the width in front; the last eight are filled up with zeros. */
export function encodeCodes(codes: Int32Array, n: number, width: number): Buffer {
  const head = [width];
  const nGroups = Math.ceil(n / 8);
  putVarint(head, width === 0 ? n * 2 : nGroups * 2 + 1);
  const bytes = Buffer.alloc(head.length + nGroups * width);
  bytes.set(head, 0);
  for (let i = 0; i < n; i += stretch)
    encodeSome(codes.subarray(i, Math.min(n, i + stretch)), width, bytes.subarray(head.length + (i >> 3) * width));
  return bytes;
}

function encodeSome(codes: Int32Array, width: number, out: Uint8Array): void {
  let at = 0;
  let pending = 0;
  let nPending = 0;
  for (let i = 0, n = codes.length; i < n; ++i) {
    pending |= codes[i]! << nPending;
    nPending += width;
    while (nPending >= 8) {
      out[at++] = pending & 255;
      pending >>>= 8;
      nPending -= 8;
    }
  }
  if (nPending > 0) out[at] = pending & 255;
}

/** Reads `n` codes of the one stretch that `encodeCodes` writes. */
export function decodeCodes(bytes: Buffer, start: number, width: number, n: number, out: Int32Array): void {
  let at = start;
  let head = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++]!;
    head += (byte & 127) * scale;
    // Also where the bytes end.
    if (!(byte >= 128)) break;
  }
  if (head % 2 === 0) {
    out.fill(width === 0 ? 0 : bytes[at]!, 0, n);
    return;
  }
  const mask = 2 ** width - 1;
  const words = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  // Four bytes hold any code of up to 24 bits, and are read where there are so many.
  const nWhole = Math.min(n, Math.max(0, Math.floor((8 * (words.byteLength - 4)) / width)));
  for (let i = 0; i < nWhole; i += stretch)
    decodeSome(words, i * width, width, mask, out.subarray(i, Math.min(nWhole, i + stretch)));
  for (let i = nWhole; i < n; ++i) {
    let code = 0;
    for (let k = 0; k < width; ++k) {
      const bit = i * width + k;
      code |= ((bytes[at + (bit >>> 3)]! >> (bit & 7)) & 1) << k;
    }
    out[i] = code;
  }
}

function decodeSome(words: DataView, start: number, width: number, mask: number, out: Int32Array): void {
  for (let i = 0, n = out.length, bit = start; i < n; ++i, bit += width)
    out[i] = (words.getInt32(bit >>> 3, true) >>> (bit & 7)) & mask;
}
