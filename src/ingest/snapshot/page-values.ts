import { putVarint } from "./thrift.ts";

/**
 * Which of `n` rows have a value, in Parquet's hybrid of runs and bits with its length in front: one run where all have
 * one, else one bit a row.
 */
export function encodePresence(present: Uint8Array, n: number, nPresent: number): Buffer {
  const head: number[] = [];
  if (nPresent === n || nPresent === 0) {
    putVarint(head, n * 2);
    head.push(nPresent === 0 ? 0 : 1);
  } else putVarint(head, Math.ceil(n / 8) * 2 + 1);
  const isRun = nPresent === n || nPresent === 0;
  const length = head.length + (isRun ? 0 : Math.ceil(n / 8));
  const bytes = Buffer.alloc(4 + length);
  bytes.writeUInt32LE(length, 0);
  bytes.set(head, 4);
  if (!isRun) packBits(present, n, bytes, 4 + head.length);
  return bytes;
}

/** Bits of 0 or 1, eight a byte, the lowest first. */
export function packBits(bits: Uint8Array, n: number, out: Uint8Array, start: number): void {
  let at = start;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    out[at++] =
      bits[i]! |
      (bits[i + 1]! << 1) |
      (bits[i + 2]! << 2) |
      (bits[i + 3]! << 3) |
      (bits[i + 4]! << 4) |
      (bits[i + 5]! << 5) |
      (bits[i + 6]! << 6) |
      (bits[i + 7]! << 7);
  }
  for (let shift = 0; i < n; ++i, ++shift) out[at] = (out[at] ?? 0) | (bits[i]! << shift);
}

/** The bits that `packBits` packed. */
export function unpackBits(bytes: Uint8Array, start: number, n: number): Uint8Array<ArrayBuffer> {
  // Whole bytes are unpacked, so that the loop needs no end of its own.
  const bits = new Uint8Array(Math.ceil(n / 8) * 8);
  let at = start;
  for (let i = 0; i < n; i += 8) {
    const byte = bytes[at++]!;
    bits[i] = byte & 1;
    bits[i + 1] = (byte >> 1) & 1;
    bits[i + 2] = (byte >> 2) & 1;
    bits[i + 3] = (byte >> 3) & 1;
    bits[i + 4] = (byte >> 4) & 1;
    bits[i + 5] = (byte >> 5) & 1;
    bits[i + 6] = (byte >> 6) & 1;
    bits[i + 7] = byte >> 7;
  }
  return bits.subarray(0, n);
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
  let at = head.length;
  let pending = 0;
  let nPending = 0;
  for (let i = 0; i < n; ++i) {
    pending |= codes[i]! << nPending;
    nPending += width;
    while (nPending >= 8) {
      bytes[at++] = pending & 255;
      pending >>>= 8;
      nPending -= 8;
    }
  }
  if (nPending > 0) bytes[at] = pending & 255;
  return bytes;
}

/** Reads `n` codes of the one stretch that `encodeCodes` writes. */
export function decodeCodes(bytes: Buffer, start: number, width: number, n: number, out: Int32Array): void {
  let at = start;
  let head = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++]!;
    head += (byte & 127) * scale;
    if (byte < 128) break;
  }
  if (head % 2 === 0) {
    out.fill(width === 0 ? 0 : bytes[at]!, 0, n);
    return;
  }
  const mask = 2 ** width - 1;
  let pending = 0;
  let nPending = 0;
  for (let i = 0; i < n; ++i) {
    while (nPending < width) {
      pending |= bytes[at++]! << nPending;
      nPending += 8;
    }
    out[i] = pending & mask;
    pending >>>= width;
    nPending -= width;
  }
}
