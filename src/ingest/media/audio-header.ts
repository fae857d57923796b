import { type HeaderReader, MediaFault, readHeader } from "./header.ts";

export interface AudioFacts {
  readonly format: "wav" | "flac" | "mp3" | "ogg";
  /** Seconds; null where the file does not say. */
  readonly duration: number | null;
  /** Hertz. */
  readonly sampleRate: number;
  readonly channels: number;
}

/** What the headers of a recording say; its frames or chunks must be there whole. Throws MediaFault. */
export function readAudio(bytes: Buffer): AudioFacts {
  const header = readHeader(bytes);
  const facts = factsOf(header);
  if (facts.sampleRate > 0 && facts.channels > 0) return facts;
  throw new MediaFault(`it says that it has ${facts.channels} channels at ${facts.sampleRate} Hz`);
}

function factsOf(header: HeaderReader): AudioFacts {
  if (header.length < 12) throw new MediaFault("it is too short for a recording");
  const start = header.text(0, 4);
  if (start === "RIFF" && header.text(8, 4) === "WAVE") return readWav(header);
  if (start === "fLaC") return readFlac(header);
  if (start === "OggS") return readOgg(header);
  if (start.startsWith("ID3") || (header.be16(0) & 0xffe0) === 0xffe0) return readMp3(header);
  throw new MediaFault("it is no WAV, FLAC, MP3 or Ogg");
}

function readWav(header: HeaderReader): AudioFacts {
  let format: { readonly channels: number; readonly sampleRate: number; readonly blockBytes: number } | null = null;
  for (let at = 12; ;) {
    const [id, size] = [header.text(at, 4), header.u32(at + 4)];
    const data = at + 8;
    if (id === "fmt ")
      format = { channels: header.u16(data + 2), sampleRate: header.u32(data + 4), blockBytes: header.u16(data + 12) };
    if (id === "data") {
      if (format === null || format.blockBytes === 0) throw new MediaFault("its samples come before what they are");
      if (data + size > header.length) throw new MediaFault(`it is cut off: ${header.length - data} of ${size} bytes`);
      const { channels, sampleRate, blockBytes } = format;
      return { format: "wav", duration: size / blockBytes / sampleRate, sampleRate, channels };
    }
    at = data + size + (size % 2);
  }
}

function readFlac(header: HeaderReader): AudioFacts {
  if ((header.u8(4) & 0x7f) !== 0 || header.be32(4) % 2 ** 24 !== 34)
    throw new MediaFault("it does not begin with STREAMINFO");
  const packed = header.be32(18);
  const sampleRate = packed >>> 12;
  const channels = ((packed >>> 9) & 7) + 1;
  const samples = (header.u8(21) & 15) * 2 ** 32 + header.be32(22);
  for (let at = 4; ;) {
    const block = header.be32(at);
    at += 4 + (block % 2 ** 24);
    if (at > header.length) throw new MediaFault("it is cut off");
    if (block >>> 31 === 0) continue;
    if (samples > 0 && (header.be16(at) & 0xfffc) !== 0xfff8) throw new MediaFault("it is cut off: no frame follows");
    return { format: "flac", duration: samples === 0 ? null : samples / sampleRate, sampleRate, channels };
  }
}

/** Kilobits a second by version (MPEG 1, else 2 and 2.5) and layer (1 to 3). */
const bitrates: Readonly<Record<"1" | "2", readonly (readonly number[])[]>> = {
  "1": [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  ],
  "2": [
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  ],
};
const rates: readonly number[] = [44_100, 48_000, 32_000];

interface Mp3Frame {
  readonly bytes: number;
  readonly samples: number;
  readonly sampleRate: number;
  readonly channels: number;
}

/** null where no frame begins. */
function mp3Frame(word: number): Mp3Frame | null {
  if (word >>> 21 !== 0x7ff) return null;
  const [version, layer] = [(word >>> 19) & 3, 4 - ((word >>> 17) & 3)];
  const [bitrate, rate, padding] = [(word >>> 12) & 15, (word >>> 10) & 3, (word >>> 9) & 1];
  if (version === 1 || layer === 4 || bitrate === 0 || bitrate === 15 || rate === 3) return null;
  const isFirst = version === 3;
  const bits = bitrates[isFirst ? "1" : "2"][layer - 1]![bitrate]! * 1000;
  const sampleRate = rates[rate]! / (isFirst ? 1 : version === 2 ? 2 : 4);
  const samples = layer === 1 ? 384 : layer === 3 && !isFirst ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1;
  const bytes = (Math.floor((samples / 8 / slot) * (bits / sampleRate)) + padding) * slot;
  return { bytes, samples, sampleRate, channels: ((word >>> 6) & 3) === 3 ? 1 : 2 };
}

/** Every frame is walked: files without a table of contents say their length in no other way. */
function readMp3(header: HeaderReader): AudioFacts {
  let at = 0;
  while (header.text(at, 3) === "ID3")
    at += 10 + synchsafe(header, at + 6) + ((header.u8(at + 5) & 0x10) === 0 ? 0 : 10);
  const first = mp3Frame(header.be32(at));
  if (first === null) throw new MediaFault("no frame of MP3 follows its tags");
  if (/Xing|Info|VBRI/.test(header.text(at, Math.min(first.bytes, 64, header.length - at)))) at += first.bytes;
  let samples = 0;
  while (at + 4 <= header.length) {
    const frame = mp3Frame(header.be32(at));
    if (frame === null) break;
    if (frame.sampleRate !== first.sampleRate) throw new MediaFault("its frames are of several sample rates");
    if (at + frame.bytes > header.length) throw new MediaFault("it is cut off within a frame");
    samples += frame.samples;
    at += frame.bytes;
  }
  const isTag =
    at >= header.length || /^(TAG|APETAG|LYRICS|ID3|\0)/.test(header.text(at, Math.min(8, header.length - at)));
  if (!isTag || samples === 0) throw new MediaFault(`what follows byte ${at} is no frame of MP3`);
  return {
    format: "mp3",
    duration: samples / first.sampleRate,
    sampleRate: first.sampleRate,
    channels: first.channels,
  };
}

/** A length of four times seven bits. */
function synchsafe(header: HeaderReader, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; ++i) value = value * 128 + (header.u8(at + i) & 0x7f);
  return value;
}

/** Opus counts at 48 kHz, whatever the recording was made at. */
const opusRate = 48_000;

function readOgg(header: HeaderReader): AudioFacts {
  const body = 27 + header.u8(26);
  const isOpus = header.text(body, 8) === "OpusHead";
  if (!isOpus && header.text(body, 7) !== "\x01vorbis") throw new MediaFault("it holds neither Vorbis nor Opus");
  const channels = header.u8(isOpus ? body + 9 : body + 11);
  const sampleRate = isOpus ? opusRate : header.u32(body + 12);
  const skipped = isOpus ? header.u16(body + 10) : 0;
  const serial = header.u32(14);
  let samples = 0;
  for (let at = 0; at < header.length;) {
    if (header.text(at, 4) !== "OggS") throw new MediaFault(`no page begins at byte ${at}`);
    const segments = header.u8(at + 26);
    let length = 27 + segments;
    for (let i = 0; i < segments; ++i) length += header.u8(at + 27 + i);
    if (at + length > header.length) throw new MediaFault("it is cut off within a page");
    const [low, high] = [header.u32(at + 6), header.u32(at + 10)];
    // All ones: no packet ends on this page.
    if (header.u32(at + 14) === serial && high !== 0xffffffff) samples = high * 2 ** 32 + low;
    at += length;
  }
  return { format: "ogg", duration: Math.max(0, samples - skipped) / sampleRate, sampleRate, channels };
}
