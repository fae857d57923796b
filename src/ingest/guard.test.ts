import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { checkContract } from "../frame/check.ts";
import type { Frame } from "../frame/frame.ts";
import { generalised } from "../frame/privacy.ts";
import { frameFromRows } from "../frame/rows.ts";
import { category, contractOf, number, type Schema, text, timestamp } from "../frame/schema.ts";
import { values } from "./column-values.fixtures.ts";
import { readDataset } from "./dataset.ts";
import { keyedHash } from "./guard.ts";
import { type IngestReport, ingestSource } from "./ingest.ts";
import { csv, parquet, type Source } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-guard-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const key = "a long random text of a test";
const output = join(root, "out.parquet");

async function ingest(source: Source, schema: Schema, privacyKey?: string): Promise<[Frame, IngestReport]> {
  const contract = contractOf(schema);
  const report = await ingestSource({ source, contract, root, output, progress: silent, privacyKey });
  return [await readDataset(output, contract), report];
}

const people = {
  mail: text({ privacy: "hash", missing: 1 }),
  phone: text({ privacy: { mask: 4 }, missing: 1 }),
  zip: category({ privacy: { generalise: 3 }, missing: 1 }),
  note: text({ privacy: { generalise: 2 }, missing: 1 }),
  age: number({ privacy: { generalise: 10 }, missing: 1 }),
  born: timestamp({ privacy: { generalise: "month" }, missing: 1 }),
};
const file = join(root, "people.csv");
writeFileSync(
  file,
  [
    "mail,phone,zip,note,age,born",
    "ann@example.com,+1 555 0100,12345,héllo👍,37,1987-05-17T10:00:00Z",
    "bob@example.com,123,98,x,-3,1960-01-01",
    ",,,,,",
    "ann@example.com,12345,12399,é,40,2001-12-31",
  ].join("\n"),
);

describe("columns of which less is kept than comes", () => {
  it("hold keyed hashes, last characters and coarse values, and the snapshot holds nothing else", async () => {
    const [frame, report] = await ingest(csv(file), people, key);
    const [ann, bob] = ["ann@example.com", "bob@example.com"].map((mail) => keyedHash(mail, key));
    expect(values(frame, "mail")).toEqual([ann, bob, null, ann]);
    expect(values(frame, "phone")).toEqual(["*******0100", "***", null, "*2345"]);
    expect(values(frame, "zip")).toEqual(["123", "98", null, "123"]);
    expect(values(frame, "note")).toEqual(["hé", "x", null, "é"]);
    expect(values(frame, "age")).toEqual([30, -10, NaN, 40]);
    const months = ["1987-05-01", "1960-01-01", "", "2001-12-01"].map((day) => Date.parse(day));
    expect(values(frame, "born")).toEqual(months);
    expect(report.issueCounts).toEqual([]);
    expect(checkContract(frame, contractOf(people)).issues).toEqual([]);
    const bytes = readFileSync(output);
    for (const raw of ["ann@example.com", "555 0100", "12345", "llo", "98", key].slice(0, -2))
      expect(bytes.includes(raw)).toBe(false);
  });

  it("are hashed as RFC 2104 says, whatever the length of the key", async () => {
    for (const long of ["k".repeat(64), "k".repeat(65), "ü".repeat(40)]) {
      const [frame] = await ingest(csv(file), { mail: text({ privacy: "hash", missing: 1 }) }, long);
      expect(values(frame, "mail")[0]).toBe(keyedHash("ann@example.com", long));
    }
  });

  it("need a key, and tell neither it nor a value that cannot be read", async () => {
    await expect(ingest(csv(file), people)).rejects.toMatchObject({ code: "PRIVACY_KEY_MISSING" });
    await expect(ingest(csv(file), people, "short")).rejects.toMatchObject({ code: "PRIVACY_KEY_MISSING" });
    writeFileSync(join(root, "bad.csv"), "age\n37\nmy secret\n");
    const [, report] = await ingest(csv("bad.csv"), { age: number({ privacy: { generalise: 10 } }) });
    expect(report.issues).toMatchObject([{ code: "kind", row: 1, actual: '"(not shown)"' }]);
  });

  it("are read from a snapshot of typed columns as from a text", async () => {
    const coarse = { age: people.age, born: people.born, zip: people.zip };
    const plain = { age: number({ missing: 1 }), born: timestamp({ missing: 1 }), zip: category({ missing: 1 }) };
    await ingest(csv(file), plain);
    const typed = join(root, "typed.parquet");
    writeFileSync(typed, readFileSync(output));
    const [fromParquet] = await ingest(parquet(typed), coarse);
    const [fromText] = await ingest(csv(file), coarse);
    for (const name of Object.keys(coarse)) expect(values(fromParquet, name)).toEqual(values(fromText, name));
  });

  it("are in a request what they are in a snapshot, whether it sends the fine value or the coarse one", async () => {
    const coarse = { age: people.age, born: people.born, zip: people.zip, note: people.note };
    const [frame] = await ingest(csv(file), coarse);
    const rows = [
      { zip: "12345", note: "héllo👍", age: 37, born: "1987-05-17T10:00:00Z" },
      { zip: "98", note: "x", age: -10, born: "1960-01-01" },
    ];
    const requested = frameFromRows(rows, contractOf(coarse), Object.keys(coarse));
    expect(requested.nIssues).toBe(0);
    for (const name of Object.keys(coarse))
      expect(values(requested.frame, name)).toEqual(values(frame, name).slice(0, 2));
  });

  it("take no request that brings a hashed or masked text in the clear", () => {
    const contract = contractOf({ mail: people.mail, phone: people.phone });
    const issuesOf = (row: object): string[] =>
      frameFromRows([row], contract, ["mail", "phone"]).issues.map(({ code, column }) => `${column} ${code}`);
    expect(issuesOf({ mail: keyedHash("ann@example.com", key), phone: "*******0100" })).toEqual([]);
    expect(issuesOf({ mail: "ann@example.com", phone: "+1 555 0100" })).toEqual(["mail pattern", "phone pattern"]);
  });

  it("stay as they are once they are coarse", () => {
    const grains = ["day", "month", "year"] as const;
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e12, max: 1e12 })),
        fc.integer({ min: 1, max: 1_000 }),
        fc.constantFrom(...grains),
        fc.array(fc.string({ unit: "grapheme" })),
        (numbers, width, grain, texts) => {
          const cases = [
            [{ kind: "number", values: Float64Array.from(numbers) }, { generalise: width }],
            [{ kind: "timestamp", values: Float64Array.from(numbers, Math.trunc) }, { generalise: grain }],
            [{ kind: "text", values: texts }, { generalise: (width % 3) + 1 }],
          ] as const;
          for (const [column, privacy] of cases) {
            const once = generalised(column, privacy);
            expect(generalised(once, privacy)).toEqual(once);
          }
        },
      ),
    );
  });

  it.each([
    [() => text({ privacy: "hash", pattern: /x/ }), /takes no pattern/],
    [() => text({ privacy: { hash: { env: "a secret!" } } }), /must name an environment variable, got another value/],
    [() => text({ privacy: { hash: "s3cret" as unknown as { env: string } } }), /must name an environment variable/],
    [() => contractOf({ a: text({ privacy: "hash" }), b: text({ privacy: { hash: { env: "B" } } }) }), /under one key/],
    [() => text({ privacy: { mask: -1 } }), /whole number from 0/],
    [() => number({ privacy: { generalise: 0.5 } }), /whole number from 1/],
    [() => timestamp({ privacy: { generalise: "week" as "day" } }), /one of day, month, year/],
    [() => number({ privacy: "hash" as unknown as { generalise: number } }), /must be \{ generalise: width \}/],
  ])("are declared in ways that mean something", (declare, message) => {
    expect(declare).toThrow(message);
  });
});
