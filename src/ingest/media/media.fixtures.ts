import { crc32, deflateSync } from "node:zlib";

const be32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const le16 = (value: number): Buffer => Buffer.from([value & 255, (value >> 8) & 255]);
const le32 = (value: number): Buffer => Buffer.from(be32(value)).reverse();

/** A grey image, whole. */
export function pngFile(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    return Buffer.concat([be32(data.length), body, be32(crc32(body))]);
  };
  const head = Buffer.concat([be32(width), be32(height), Buffer.from([8, 0, 0, 0, 0])]);
  const pixels = deflateSync(Buffer.alloc((width + 1) * height));
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", head),
    chunk("IDAT", pixels),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Markers alone: a comment, a frame header of the given kind (C0 baseline, C2 progressive), a scan, an end. */
export function jpegFile(width: number, height: number, kind = 0xc0): Buffer {
  const segment = (marker: number, data: Buffer): Buffer =>
    Buffer.concat([Buffer.from([0xff, marker]), be32(data.length + 2).subarray(2), data]);
  const frame = Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xfe, Buffer.from("\u00ff\u00c0 no frame", "latin1")),
    segment(0xc4, Buffer.alloc(20)),
    segment(kind, frame),
    segment(0xda, Buffer.alloc(6)),
    Buffer.from([1, 2, 3, 0xff, 0xd9]),
  ]);
}

export function gifFile(width: number, height: number): Buffer {
  return Buffer.concat([Buffer.from("GIF89a"), le16(width), le16(height), Buffer.from([0, 0, 0, 0x3b])]);
}

/** One of the three kinds of WebP, its pixels left out. */
export function webpFile(width: number, height: number, kind: "VP8 " | "VP8L" | "VP8X"): Buffer {
  const packed = (width - 1) | ((height - 1) << 14);
  const data = {
    "VP8 ": Buffer.concat([Buffer.from([0, 0, 0, 0x9d, 0x01, 0x2a]), le16(width), le16(height | 0x4000)]),
    VP8L: Buffer.concat([Buffer.from([0x2f]), le32(packed)]),
    VP8X: Buffer.concat([le32(0), le32(width - 1).subarray(0, 3), le32(height - 1).subarray(0, 3)]),
  }[kind];
  const body = Buffer.concat([Buffer.from("WEBP"), Buffer.from(kind), le32(data.length), data]);
  return Buffer.concat([Buffer.from("RIFF"), le32(body.length), body]);
}

export function bmpFile(width: number, height: number): Buffer {
  const pixels = Buffer.alloc(4 * Math.ceil((3 * width) / 4) * Math.abs(height));
  const dib = Buffer.concat([le32(40), le32(width), le32(height), le16(1), le16(24), Buffer.alloc(24)]);
  const head = Buffer.concat([Buffer.from("BM"), le32(54 + pixels.length), le32(0), le32(54)]);
  return Buffer.concat([head, dib, pixels]);
}

export function wavFile(seconds: number, sampleRate: number, channels: number): Buffer {
  const data = Buffer.alloc(Math.round(seconds * sampleRate) * channels * 2);
  const format = Buffer.concat([
    le16(1),
    le16(channels),
    le32(sampleRate),
    le32(sampleRate * channels * 2),
    le16(channels * 2),
    le16(16),
  ]);
  const note = Buffer.concat([Buffer.from("LIST"), le32(3), Buffer.from("abc\0")]);
  const body = Buffer.concat([
    Buffer.from("WAVEfmt "),
    le32(16),
    format,
    note,
    Buffer.from("data"),
    le32(data.length),
    data,
  ]);
  return Buffer.concat([Buffer.from("RIFF"), le32(body.length), body]);
}

/** STREAMINFO and the beginning of a frame. */
export function flacFile(samples: number, sampleRate: number, channels: number): Buffer {
  const packed = (BigInt(sampleRate) << 44n) | (BigInt(channels - 1) << 41n) | (15n << 36n) | BigInt(samples);
  const numbers = Buffer.alloc(8);
  numbers.writeBigUInt64BE(packed);
  const info = Buffer.concat([Buffer.alloc(10), numbers, Buffer.alloc(16)]);
  return Buffer.concat([Buffer.from("fLaC"), Buffer.from([0x80, 0, 0, 34]), info, Buffer.from([0xff, 0xf8, 0, 0])]);
}

/** Frames of MPEG 1 layer 3 at 128 kbit/s and 44,100 Hz, stereo: 417 bytes and 1,152 samples each; tags around them. */
export function mp3File(nFrames: number): Buffer {
  const frame = Buffer.alloc(417);
  frame.writeUInt32BE(0xfffb9000);
  const tag = Buffer.concat([Buffer.from("ID3"), Buffer.from([4, 0, 0, 0, 0, 0, 20]), Buffer.alloc(20)]);
  const end = Buffer.concat([Buffer.from("TAG"), Buffer.alloc(125)]);
  return Buffer.concat([tag, ...Array.from({ length: nFrames }, () => frame), end]);
}

/** Two pages: what the stream is, and one whose granule position counts its samples. */
export function oggFile(samples: number, kind: "vorbis" | "opus", sampleRate: number, channels: number): Buffer {
  const page = (granule: number, data: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from("OggS"),
      Buffer.from([0, 0]),
      le32(granule),
      le32(0),
      le32(7),
      le32(0),
      le32(0),
      Buffer.from([1, data.length]),
      data,
    ]);
  const head =
    kind === "vorbis"
      ? Buffer.concat([Buffer.from("\x01vorbis"), le32(0), Buffer.from([channels]), le32(sampleRate), Buffer.alloc(14)])
      : Buffer.concat([
          Buffer.from("OpusHead"),
          Buffer.from([1, channels]),
          le16(312),
          le32(sampleRate),
          Buffer.alloc(3),
        ]);
  return Buffer.concat([page(0, head), page(samples, Buffer.alloc(50))]);
}
