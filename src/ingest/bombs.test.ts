import { createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { contractOf, text } from "../frame/schema.ts";
import { ingestSource } from "./ingest.ts";
import { inspectSource } from "./inspect.ts";
import { csv, json, jsonl, type Source } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-bombs-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const contract = contractOf({ a: text({ missing: 1 }) });
const megabyte = Buffer.alloc(1 << 20, "a");

/** Only Zstandard packs a file so far that its size alone tells a bomb; Node has it from 22.15 on. */
const { createZstdCompress: createZstd } = zlib as { readonly createZstdCompress?: () => Transform };
if (!createZstd) console.warn(`skipped: Node ${process.versions.node} cannot pack a bomb of Zstandard`);

/** A file of `megabytes` of `unit` between two texts, packed to a thousandth or less. */
async function packed(
  name: string,
  head: string,
  megabytes: number,
  tail: string,
  unit: Buffer = megabyte,
  create: () => Transform = () => zlib.createGzip({ level: 1 }),
): Promise<void> {
  const packer = create();
  const file = createWriteStream(join(root, name));
  packer.pipe(file);
  packer.write(head);
  for (let i = 0; i < megabytes; ++i) if (!packer.write(unit)) await once(packer, "drain");
  packer.end(tail);
  await once(file, "close");
}

async function refusal(source: Source): Promise<string> {
  const output = join(root, "out.parquet");
  const error: unknown = await ingestSource({ source, contract, root, output, progress: silent }).catch(
    (fault: unknown) => fault,
  );
  expect(statSync(output, { throwIfNoEntry: false })).toBeUndefined();
  return String(error);
}

/** What this process used at most until now; a bomb that is read whole shows here, whatever is freed later. */
const peakMiB = (): number => process.resourceUsage().maxRSS / 1024;

describe("a small file that unpacks to a large one, or a short text that nests without end", () => {
  it.each([
    ["one cell of CSV", "cell.csv.gz", "a\n", "\n", csv("cell.csv.gz"), "begins a record of more than 64 MiB"],
    ["a quote that is never closed", "open.csv.gz", 'a\n"', "", csv("open.csv.gz"), "a quote that is never closed?"],
    ["one line of JSON", "line.jsonl.gz", '{"a":"', '"}\n', jsonl("line.jsonl.gz"), "line 1 is larger than 64 MiB"],
    [
      "one element of a list",
      "list.json.gz",
      '[{"a":"',
      '"}]',
      json("list.json.gz"),
      "element 1 is larger than 64 MiB",
    ],
  ])("is refused at a limit: %s", async (_name, file, head, tail, source, reason) => {
    await packed(file, head, 400, tail);
    const before = peakMiB();
    expect(await refusal(source)).toContain(reason);
    expect(peakMiB() - before).toBeLessThan(256);
  });

  it.skipIf(!createZstd)("is refused where it unpacks to more than 1200 times its size", async () => {
    const lines = Buffer.from(`${"a".repeat(63)}\n`.repeat(1 << 14));
    await packed("growing.csv.zst", "a\n", 400, "", lines, createZstd);
    expect(statSync(join(root, "growing.csv.zst")).size).toBeLessThan(100_000);
    const before = peakMiB();
    expect(await refusal(csv("growing.csv.zst"))).toContain("it unpacks to more than 1200 times its size");
    expect(peakMiB() - before).toBeLessThan(256);
  });

  it("is refused where it is a text of NULs, at once", async () => {
    await packed("nul.csv.gz", "a\n", 100, "\n", Buffer.alloc(1 << 20));
    expect(await refusal(csv("nul.csv.gz"))).toContain("line 2 holds a NUL byte");
  });

  it("is refused where its first line names more columns than can be looked at", async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `c${i}`).join(",");
    writeFileSync(join(root, "wide.csv"), `${names}\n${names}\n`);
    await expect(inspectSource(join(root, "wide.csv"))).rejects.toThrow("it has more than 10000 columns");
  });

  it("is refused where lists or objects nest deeper than a thousand", async () => {
    const deep = "[".repeat(1_000_000) + "]".repeat(1_000_000);
    const objects = '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000);
    writeFileSync(join(root, "deep.jsonl"), `{"a":${deep}}\n`);
    writeFileSync(join(root, "deep.json"), deep);
    writeFileSync(join(root, "objects.jsonl"), `{"a":1}\n${objects}\n`);
    expect(await refusal(jsonl("deep.jsonl"))).toContain("line 1 is nested too deep");
    expect(await refusal(json("deep.json"))).toContain("element 1 is nested too deep");
    expect(await refusal(jsonl("objects.jsonl"))).toContain("line 2 is nested too deep");
  });
});
