import zlib from "node:zlib";
import { unpackLz4Block } from "./arrow/lz4.ts";
import { integerOf, structOf, type ThriftStruct } from "./snapshot/thrift.ts";

/** A page whose values are written as what each shares with the one before, and the rest (DELTA_BYTE_ARRAY). */
export interface SharedPage {
  readonly nValues: number;
  /** Bytes of levels in front of what is packed. */
  readonly ahead: number;
  readonly isPacked: boolean;
  /** Levels in front of the values, within what is packed, each with its length. */
  readonly nLevels: number;
}

const deltaByteArray = 7;

/** Such a page, from its header; null where it is another one. */
export function sharedPage(header: ThriftStruct, nLevels: number): SharedPage | null {
  const [first, second] = [header.get(5), header.get(8)];
  if (first !== undefined) {
    const page = structOf(first);
    if (page.get(2) !== deltaByteArray) return null;
    return { nValues: integerOf(page.get(1)), ahead: 0, isPacked: true, nLevels };
  }
  if (second === undefined) return null;
  const page = structOf(second);
  if (page.get(4) !== deltaByteArray) return null;
  const ahead = integerOf(page.get(5) ?? 0) + integerOf(page.get(6) ?? 0);
  return { nValues: integerOf(page.get(1)), ahead, isPacked: page.get(7) !== false, nLevels: 0 };
}

/** How many bytes the values of such a page are at most; null where its packing is unknown here, or on this Node.js. */
export function grownBytes(
  page: Buffer,
  { ahead, isPacked, nLevels }: SharedPage,
  codec: number,
  unpacked: number,
): number | null {
  const rest = page.subarray(ahead);
  const values = isPacked ? unpackPage(rest, codec, Math.max(0, unpacked - ahead)) : rest;
  if (values === null) return null;
  let at = 0;
  for (let level = 0; level < nLevels; ++level) at += 4 + values.readUInt32LE(at);
  return unpacked + (at >= values.length ? 0 : sumOfDeltas(values.subarray(at)));
}

/** Names of the codecs by their number in Parquet's metadata. */
const codecs = ["none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw"] as const;

/**
 * A page's bytes, unpacked to exactly `size`; null where its packing is unknown here. Throws a RangeError for what is damaged.
 */
function unpackPage(packed: Buffer, codec: number, size: number): Buffer | null {
  const name = codecs[codec];
  let unpacked: Buffer | null;
  try {
    unpacked = unpackAs(name, packed, size);
  } catch (error) {
    throw new RangeError("a page of it does not unpack", { cause: error });
  }
  if (unpacked !== null && unpacked.length !== size)
    throw new RangeError("a page of it unpacks to another size than it says");
  return unpacked;
}

function unpackAs(name: (typeof codecs)[number] | undefined, packed: Buffer, size: number): Buffer | null {
  const limit = { maxOutputLength: Math.max(1, size) };
  // Node unpacks Zstandard from 22.15 on.
  const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: (bytes: Buffer, options: object) => Buffer };
  switch (name) {
    case "none":
      return packed;
    case "snappy":
      return unpackSnappy(packed, size);
    case "gzip":
      return zlib.gunzipSync(packed, limit);
    case "brotli":
      return zlib.brotliDecompressSync(packed, limit);
    case "zstd":
      return zstdDecompressSync?.(packed, limit) ?? null;
    case "lz4_raw": {
      const output = Buffer.alloc(size);
      return output.subarray(0, unpackLz4Block(packed, output, 0));
    }
    default:
      return null;
  }
}

/**
 * Snappy (format_description.txt): how long it gets, then literals and copies of what was written, told apart by the two low bits
 * of a tag. Never writes beyond `size`.
 */
function unpackSnappy(packed: Buffer, size: number): Buffer {
  const output = Buffer.alloc(size);
  let at = 0;
  let written = 0;
  while (packed[at++]! >= 128);
  while (at < packed.length) {
    const tag = packed[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      const nBytes = Math.max(0, (tag >> 2) - 59);
      const length = 1 + (nBytes === 0 ? tag >> 2 : packed.readUIntLE(at, nBytes));
      at += nBytes;
      if (at + length > packed.length || written + length > size) throw new RangeError("a page of it is cut off");
      packed.copy(output, written, at, at + length);
      at += length;
      written += length;
      continue;
    }
    const nBytes = kind === 3 ? 4 : kind;
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = packed.readUIntLE(at, nBytes) + (kind === 1 ? (tag >> 5) << 8 : 0);
    at += nBytes;
    if (offset === 0 || offset > written || written + length > size) throw new RangeError("a page of it is damaged");
    for (let i = 0; i < length; ++i) output[written + i] = output[written - offset + i]!;
    written += length;
  }
  return output.subarray(0, written);
}

/**
 * The sum of the numbers at the start of `bytes`, written as DELTA_BINARY_PACKED: the first one, then blocks of differences from
 * a least one, in miniblocks of so many bits each. Throws a RangeError where they end early or go below 0.
 */
function sumOfDeltas(bytes: Buffer): number {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new RangeError("a number of it is too long");
  };
  const count = (): number => Number(varint());
  const signed = (): number => {
    const value = varint();
    return Number((value >> 1n) ^ -(value & 1n));
  };
  const [blockSize, nMiniblocks, nValues] = [count(), count(), count()];
  const perMiniblock = blockSize / nMiniblocks;
  if (!Number.isInteger(perMiniblock) || perMiniblock % 8 !== 0 || perMiniblock === 0)
    throw new RangeError("the lengths of a page of it are damaged");
  const atLeast0 = (length: number): number => {
    if (length >= 0) return length;
    throw new RangeError("a length of a page of it is below 0");
  };
  let value = atLeast0(signed());
  let sum = value;
  for (let left = nValues - 1; left > 0;) {
    const least = signed();
    const widths = bytes.subarray(at, (at += nMiniblocks));
    for (const width of widths) {
      if (left <= 0) break;
      const here = Math.min(left, perMiniblock);
      if (width === 0) {
        // Numbers that grow alike need no look at each.
        sum += here * value + (least * here * (here + 1)) / 2;
        value = atLeast0(value + here * least);
      } else
        for (let i = 0; i < here; ++i) {
          value = atLeast0(value + least + readBits(bytes, at, i * width, width));
          sum += value;
        }
      at += (perMiniblock / 8) * width;
      left -= here;
    }
  }
  return sum;
}

function readBits(bytes: Buffer, start: number, offset: number, width: number): number {
  let value = 0;
  for (let bit = 0; bit < width;) {
    const position = offset + bit;
    const here = Math.min(width - bit, 8 - (position & 7));
    const part = (bytes.readUInt8(start + (position >> 3)) >> (position & 7)) & ((1 << here) - 1);
    value += part * 2 ** bit;
    bit += here;
  }
  return value;
}
