import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { temporaryFolder } from "../store.fixtures.ts";
import type { GetOptions, ObjectStore } from "./client.ts";
import { downloadObject } from "./download.ts";

const bytes = new Uint8Array(5 * 2 ** 20).map((_, i) => (i * 7 + (i >> 9)) % 251);

/** What a server gives on one connection: so many bytes, and then an end of its own. */
type Connection = (start: number) => { readonly upTo: number; readonly end: "whole" | "cut" | "lost" | "silent" };

interface FakeStore {
  readonly objects: ObjectStore;
  readonly asked: GetOptions[];
}

function storeOf(connection: Connection, size = bytes.length): FakeStore {
  const asked: GetOptions[] = [];
  const body = (start: number): Readable => {
    const { upTo, end } = connection(start);
    let at = start;
    return new Readable({
      read() {
        const chunk = bytes.subarray(at, Math.min(at + 65_536, upTo));
        at += chunk.length;
        if (chunk.length > 0) this.push(chunk);
        else if (end === "lost") this.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
        else if (end !== "silent") this.push(null);
      },
    });
  };
  const get: ObjectStore["get"] = async (key, options = {}) => {
    asked.push(options);
    const facts = { key, sizeBytes: size, etag: '"one"', modifiedMs: 0 };
    return { facts, body: body(options.start ?? 0) };
  };
  return { asked, objects: { place: (key: string) => `s3://shop/${key}`, get } as unknown as ObjectStore };
}

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ path: folder, remove } = await temporaryFolder());
});
afterEach(() => remove());

describe("a download", () => {
  it("goes on where a lost connection broke, with the same content, as long as something comes", async () => {
    const { objects, asked } = storeOf((start) => ({
      upTo: Math.min(bytes.length, start + 1_100_000),
      end: start + 1_100_000 < bytes.length ? "lost" : "whole",
    }));
    const path = join(folder, "file");
    const got = await downloadObject(objects, "a", path, { retries: 1 });
    expect(got).toMatchObject({ digest: sha256(bytes), sizeBytes: bytes.length });
    expect(Buffer.compare(await readFile(path), bytes)).toBe(0);
    expect(asked.map(({ start, etag }) => [start, etag])).toEqual([
      [0, null],
      ...[1, 2, 3, 4].map((n) => [n * 1_100_000, '"one"']),
    ]);
  });

  it.each([
    ["cut", "OBJECT_TRUNCATED"],
    ["lost", "OBJECTS_UNREACHABLE"],
    ["silent", "OBJECTS_UNREACHABLE"],
  ] as const)("that stays %s is given up: %s", async (end, code) => {
    const { objects, asked } = storeOf(() => ({ upTo: 70_000, end }));
    const work = downloadObject(objects, "a", join(folder, "file"), { retries: 2, idleMs: 30 });
    await expect(work).rejects.toMatchObject({ code });
    expect(asked).toHaveLength(3);
  });

  it("longer than announced, or of something that is gone, is not tried again", async () => {
    const long = storeOf(() => ({ upTo: 2_000, end: "whole" }), 1_000);
    await expect(downloadObject(long.objects, "a", null)).rejects.toMatchObject({ code: "OBJECT_TRUNCATED" });
    expect(long.asked).toHaveLength(1);
    const missing = new MillraceError("OBJECT_MISSING", { place: "s3://shop/a" });
    const gone = { place: () => "s3://shop/a", get: () => Promise.reject(missing) } as unknown as ObjectStore;
    await expect(downloadObject(gone, "a", null)).rejects.toBe(missing);
  });

  it("needs no file for a digest, and takes none that exists", async () => {
    const { objects } = storeOf(() => ({ upTo: bytes.length, end: "whole" }));
    expect((await downloadObject(objects, "a", null)).digest).toBe(sha256(bytes));
    expect(await readdir(folder)).toEqual([]);
    await downloadObject(objects, "a", join(folder, "file"));
    await expect(downloadObject(objects, "a", join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  });

  it("ends when it is told to", async () => {
    const { objects } = storeOf(() => ({ upTo: 70_000, end: "silent" }));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    await expect(downloadObject(objects, "a", null, { signal: stop.signal })).rejects.toMatchObject({
      code: "CANCELLED",
    });
  });
});
