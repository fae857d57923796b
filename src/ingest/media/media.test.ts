import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import type { Kind } from "../../frame/column.ts";
import type { Contract } from "../../frame/contract.ts";
import type { Frame } from "../../frame/frame.ts";
import { values } from "../column-values.fixtures.ts";
import { readDataset } from "../dataset.ts";
import { createFetcher } from "../fetch.ts";
import { ingestSource, type IngestReport } from "../ingest.ts";
import type { Source } from "../source.ts";
import { readAudio } from "./audio-header.ts";
import { MediaFault } from "./header.ts";
import { readImage } from "./image-header.ts";
import {
  bmpFile,
  flacFile,
  gifFile,
  jpegFile,
  mp3File,
  oggFile,
  pngFile,
  wavFile,
  webpFile,
} from "./media.fixtures.ts";
import { audio, images } from "./media-source.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-media-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const pictures: readonly (readonly [string, Buffer, object])[] = [
  ["png", pngFile(31, 17), { format: "png", width: 31, height: 17 }],
  ["baseline jpeg", jpegFile(640, 480), { format: "jpeg", width: 640, height: 480 }],
  ["progressive jpeg", jpegFile(65_535, 1, 0xc2), { format: "jpeg", width: 65_535, height: 1 }],
  ["gif", gifFile(300, 5), { format: "gif", width: 300, height: 5 }],
  ["lossy webp", webpFile(176, 144, "VP8 "), { format: "webp", width: 176, height: 144 }],
  ["lossless webp", webpFile(386, 395, "VP8L"), { format: "webp", width: 386, height: 395 }],
  ["extended webp", webpFile(16_384, 70_000, "VP8X"), { format: "webp", width: 16_384, height: 70_000 }],
  ["bmp", bmpFile(7, 5), { format: "bmp", width: 7, height: 5 }],
  ["bmp from the top down", bmpFile(7, -5), { format: "bmp", width: 7, height: 5 }],
];

const recordings: readonly (readonly [string, Buffer, object])[] = [
  ["wav", wavFile(0.25, 8_000, 2), { format: "wav", duration: 0.25, sampleRate: 8_000, channels: 2 }],
  ["flac", flacFile(88_200, 44_100, 2), { format: "flac", duration: 2, sampleRate: 44_100, channels: 2 }],
  [
    "flac of unknown length",
    flacFile(0, 96_000, 8),
    { format: "flac", duration: null, sampleRate: 96_000, channels: 8 },
  ],
  ["mp3", mp3File(10), { format: "mp3", duration: 11_520 / 44_100, sampleRate: 44_100, channels: 2 }],
  ["vorbis", oggFile(48_000, "vorbis", 16_000, 1), { format: "ogg", duration: 3, sampleRate: 16_000, channels: 1 }],
  ["opus", oggFile(48_312, "opus", 16_000, 2), { format: "ogg", duration: 1, sampleRate: 48_000, channels: 2 }],
];

describe("headers", () => {
  it.each(pictures)("of an image say its size: %s", (_, bytes, facts) => {
    expect(readImage(bytes)).toEqual(facts);
  });

  it.each(recordings)("of a recording say its length: %s", (_, bytes, facts) => {
    expect(readAudio(bytes)).toEqual(facts);
  });

  it("of a file that is cut off are refused, wherever it was cut", () => {
    for (const [name, bytes] of pictures)
      for (let length = 0; length < bytes.length; ++length)
        expect(() => readImage(bytes.subarray(0, length)), `${name} ${length}`).toThrow(MediaFault);
    for (const [name, bytes] of recordings) {
      const needed = name === "mp3" ? bytes.length - 128 : name.startsWith("flac") ? 44 : bytes.length;
      for (let length = 0; length < needed; ++length) {
        // A recording may end after any of its frames or pages.
        if (name === "mp3" && length >= 30 + 417 && (length - 30) % 417 < 4) continue;
        if (/vorbis|opus/.test(name) && bytes.subarray(length).toString("latin1").startsWith("OggS")) continue;
        if (name === "flac of unknown length" && length >= 42) continue;
        expect(() => readAudio(bytes.subarray(0, length)), `${name} ${length}`).toThrow(MediaFault);
      }
    }
  });

  it("that were damaged end in numbers or in a fault, never in anything else", () => {
    const rng = createRng(11);
    for (let i = 0; i < 20_000; ++i) {
      const isPicture = i % 2 === 0;
      const list = isPicture ? pictures : recordings;
      const bytes = Buffer.from(list[rng.integer(list.length)]![1]);
      for (let k = 0; k < 3; ++k) bytes[rng.integer(Math.min(64, bytes.length))] = rng.integer(256);
      try {
        const facts = isPicture ? readImage(bytes) : readAudio(bytes);
        for (const value of Object.values(facts))
          expect(value === null || value === facts.format || value >= 0).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(MediaFault);
      }
    }
  });
});

let counter = 0;

async function read(
  source: Source,
  columns: Readonly<Record<string, Kind>>,
): Promise<{ frame: Frame; report: IngestReport }> {
  const contract: Contract = {
    columns: Object.entries(columns).map(([name, kind]) => ({ name, kind, missing: 1, onViolation: "warn" })),
  };
  const output = path.join(root, `out${++counter}.parquet`);
  const fetcher = createFetcher(path.join(root, "kept"));
  try {
    const report = await ingestSource({ source, contract, root, output, progress: silent, fetcher });
    return { report, frame: await readDataset(output, contract) };
  } finally {
    await fetcher.close();
  }
}

function put(name: string, bytes: Buffer): void {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
}

describe("images()", () => {
  it("gives a row for each file with its label, and sets damaged ones aside with the reason", async () => {
    put("pets/cat/1.png", pngFile(3, 4));
    put("pets/cat/old/2.JPG", jpegFile(5, 6));
    put("pets/dog/3.gif", gifFile(7, 8));
    put("pets/dog/cut.png", pngFile(3, 4).subarray(0, 40));
    put("pets/loose.bmp", bmpFile(1, 2));
    put("pets/notes.txt", Buffer.from("no image"));
    const columns = {
      path: "text",
      label: "category",
      size: "number",
      width: "number",
      height: "number",
      digest: "text",
    } as const;
    const { frame, report } = await read(images("pets"), columns);
    expect(values(frame, "path")).toEqual(["pets/cat/1.png", "pets/cat/old/2.JPG", "pets/dog/3.gif", "pets/loose.bmp"]);
    expect(values(frame, "label")).toEqual(["cat", "cat", "dog", null]);
    expect([values(frame, "width"), values(frame, "height")]).toEqual([
      [3, 5, 7, 1],
      [4, 6, 8, 2],
    ]);
    expect(values(frame, "size")[0]).toBe(pngFile(3, 4).length);
    expect(values(frame, "digest")[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect([report.nRefused, report.refused]).toEqual([
      1,
      [{ file: "pets/dog/cut.png", line: null, reason: "it is cut off", text: null }],
    ]);
    put("pets/dog/cut.png", pngFile(9, 9));
    const mended = await read(images("pets/*/*.*"), columns);
    expect([values(mended.frame, "width"), values(mended.frame, "label"), mended.report.nRefused]).toEqual([
      [3, 7, 9],
      ["cat", "dog", "dog"],
      undefined,
    ]);
    expect(values((await read(images("pets"), columns)).frame, "width")).toEqual([3, 5, 7, 9, 1]);
  });

  it("refuses a folder that is not there, a file, and a folder without an image that can be read", async () => {
    await expect(read(images("nowhere"), { path: "text" })).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    put("single.png", pngFile(1, 1));
    await expect(read(images("single.png"), { path: "text" })).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
    put("broken/a.png", Buffer.from("not a picture"));
    await expect(read(images("broken"), { path: "text" })).rejects.toMatchObject({ code: "SOURCE_EMPTY" });
    expect(() => images("s3://bucket/pets")).toThrow(/on this machine/);
  });
});

describe("audio()", () => {
  it("gives a row for each recording", async () => {
    put("birds/wren/a.wav", wavFile(1.5, 16_000, 1));
    put("birds/owl/b.mp3", mp3File(2));
    put("birds/owl/c.flac", flacFile(0, 44_100, 1));
    const { frame } = await read(audio("birds"), {
      label: "category",
      duration: "number",
      sampleRate: "number",
      channels: "number",
    });
    expect(values(frame, "label")).toEqual(["owl", "owl", "wren"]);
    expect(values(frame, "duration")).toEqual([2_304 / 44_100, NaN, 1.5]);
    expect([values(frame, "sampleRate"), values(frame, "channels")]).toEqual([
      [44_100, 44_100, 16_000],
      [2, 1, 1],
    ]);
  });
});
