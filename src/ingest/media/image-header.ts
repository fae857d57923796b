import { crc32 } from "node:zlib";
import { type HeaderReader, MediaFault, readHeader } from "./header.ts";

export interface ImageFacts {
  readonly format: "png" | "jpeg" | "gif" | "webp" | "bmp";
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** What the headers of an image say; the end of the file must be there. Throws MediaFault. */
export function readImage(bytes: Buffer): ImageFacts {
  const header = readHeader(bytes);
  const facts = factsOf(bytes, header);
  if (facts.width > 0 && facts.height > 0) return facts;
  throw new MediaFault(`it says that it is ${facts.width} x ${facts.height} pixels large`);
}

function factsOf(bytes: Buffer, header: HeaderReader): ImageFacts {
  if (header.length < 12) throw new MediaFault("it is too short for an image");
  if (header.be32(0) === 0x89504e47) return readPng(bytes, header);
  if (header.be16(0) === 0xffd8) return readJpeg(bytes, header);
  if (/^GIF8[79]a$/.test(header.text(0, 6))) return readGif(bytes, header);
  if (header.text(0, 4) === "RIFF" && header.text(8, 4) === "WEBP") return readWebp(header);
  if (header.text(0, 2) === "BM") return readBmp(header);
  throw new MediaFault("it is no PNG, JPEG, GIF, WebP or BMP");
}

function readPng(bytes: Buffer, header: HeaderReader): ImageFacts {
  if (header.be32(4) !== 0x0d0a1a0a) throw new MediaFault("its PNG signature was changed on the way, as by text mode");
  if (header.be32(8) !== 13 || header.text(12, 4) !== "IHDR") throw new MediaFault("it does not begin with IHDR");
  if (header.be32(29) !== crc32(bytes.subarray(12, 29))) throw new MediaFault("the checksum of IHDR is wrong");
  let at = 8;
  while (header.text(at + 4, 4) !== "IEND") at += 12 + header.be32(at);
  header.be32(at + 8);
  return { format: "png", width: header.be32(16), height: header.be32(20) };
}

/** Frame headers (start of frame), which are all of C0 to CF but three. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readJpeg(bytes: Buffer, header: HeaderReader): ImageFacts {
  for (let at = 2; ;) {
    if (header.u8(at) !== 0xff) throw new MediaFault("a marker of JPEG is missing");
    const marker = header.u8(at + 1);
    if (marker === 0xff) {
      ++at;
      continue;
    }
    if (marker === 0xd9 || marker === 0xda) throw new MediaFault("it has no frame header");
    if (isFrame(marker)) {
      if (bytes.lastIndexOf(Buffer.from([0xff, 0xd9])) < at)
        throw new MediaFault("it is cut off: it has no end marker");
      return { format: "jpeg", height: header.be16(at + 5), width: header.be16(at + 7) };
    }
    const length = header.be16(at + 2);
    if (length < 2) throw new MediaFault("a segment of JPEG says that it has no length");
    at += 2 + length;
  }
}

function readGif(bytes: Buffer, header: HeaderReader): ImageFacts {
  let end = bytes.length - 1;
  while (end > 13 && bytes[end] === 0) --end;
  if (bytes[end] !== 0x3b) throw new MediaFault("it is cut off: it has no trailer");
  return { format: "gif", width: header.u16(6), height: header.u16(8) };
}

function readWebp(header: HeaderReader): ImageFacts {
  if (8 + header.u32(4) > header.length) throw new MediaFault("it is cut off");
  const kind = header.text(12, 4);
  const data = 20;
  if (kind === "VP8X") return { format: "webp", width: 1 + header.u24(data + 4), height: 1 + header.u24(data + 7) };
  if (kind === "VP8L") {
    if (header.u8(data) !== 0x2f) throw new MediaFault("its VP8L signature is wrong");
    const packed = header.u32(data + 1);
    return { format: "webp", width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
  }
  if (kind !== "VP8 ") throw new MediaFault("it begins with no image");
  if (header.u24(data + 3) !== 0x2a019d) throw new MediaFault("its VP8 start code is wrong");
  return { format: "webp", width: header.u16(data + 6) & 0x3fff, height: header.u16(data + 8) & 0x3fff };
}

function readBmp(header: HeaderReader): ImageFacts {
  const size = header.u32(2);
  const [pixels, dib] = [header.u32(10), header.u32(14)];
  if (size > header.length || pixels > header.length) throw new MediaFault("it is cut off");
  if (dib === 12) return { format: "bmp", width: header.u16(18), height: header.u16(20) };
  if (dib < 40 || dib > 256) throw new MediaFault("its header is of no known length");
  // Rows may stand from the top down, which a height below 0 says.
  return { format: "bmp", width: header.u32(18) | 0, height: Math.abs(header.u32(22) | 0) };
}
