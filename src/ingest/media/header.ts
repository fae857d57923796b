/** Why a file is none of the formats, or a damaged one. */
export class MediaFault extends Error {}

/** The numbers at the front of a file, every read within its bounds. */
export interface HeaderReader {
  readonly length: number;
  u8(at: number): number;
  u16(at: number): number;
  u24(at: number): number;
  u32(at: number): number;
  /** Big-endian. */
  be16(at: number): number;
  be32(at: number): number;
  /** Latin 1. */
  text(at: number, length: number): string;
}

export function readHeader(bytes: Buffer): HeaderReader {
  const within = (at: number, length: number): number => {
    if (at < 0 || at + length > bytes.length) throw new MediaFault("it is cut off");
    return at;
  };
  return {
    length: bytes.length,
    u8: (at) => bytes.readUInt8(within(at, 1)),
    u16: (at) => bytes.readUInt16LE(within(at, 2)),
    u24: (at) => bytes.readUIntLE(within(at, 3), 3),
    u32: (at) => bytes.readUInt32LE(within(at, 4)),
    be16: (at) => bytes.readUInt16BE(within(at, 2)),
    be32: (at) => bytes.readUInt32BE(within(at, 4)),
    text: (at, length) => bytes.toString("latin1", within(at, length), at + length),
  };
}
