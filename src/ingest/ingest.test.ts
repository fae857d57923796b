import { readFileSync, readdirSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../core/progress.ts";
import { values } from "./column-values.fixtures.ts";
import { contractOfKinds, failure, folder, output, put, read, readCsv, root } from "./ingest.fixtures.ts";
import { ingestSource } from "./ingest.ts";
import { csv } from "./source.ts";

describe("ingestSource", () => {
  it("names the nearest column for one that is absent", async () => {
    expect(await failure(readCsv("price,rooms\n1,2\n", [["pric", "number"]]))).toMatchObject({
      code: "COLUMN_MISSING",
      remedy: 'Did you mean "price"?',
    });
  });

  it("names the nearest file for one that is absent", async () => {
    put("houses.csv", "a\n1\n");
    expect(await failure(read(csv(`${folder}/house.csv`), [["a", "number"]]))).toMatchObject({
      code: "SOURCE_NOT_FOUND",
      remedy: `Did you mean "${folder}/houses.csv"?`,
    });
  });

  it("refuses column names that are equal, twins in Unicode, empty or too long", async () => {
    expect((await failure(readCsv("a,a\n1,2\n", [["a", "number"]]))).code).toBe("COLUMN_NAME_DUPLICATE");
    expect((await failure(readCsv("\u00e9,e\u0301\n1,2\n", [["\u00e9", "number"]]))).code).toBe(
      "COLUMN_NAME_DUPLICATE",
    );
    expect((await failure(readCsv("a,\n1,2\n", [["a", "number"]]))).code).toBe("COLUMN_NAME_INVALID");
    expect((await failure(readCsv(`a,${"x".repeat(65536)}\n1,2\n`, [["a", "number"]]))).code).toBe(
      "COLUMN_NAME_INVALID",
    );
  });

  it("refuses an output folder it cannot write to", async () => {
    const source = csv(put("d.csv", "a\n1\n"));
    const missing = join(root, "absent", "x.parquet");
    const work = ingestSource({
      source,
      contract: contractOfKinds([["a", "number"]]),
      root,
      output: missing,
      progress: silent,
    });
    expect((await failure(work)).code).toBe("STORE_UNWRITABLE");
  });

  it("stops when the signal aborts", async () => {
    const source = csv(put("e.csv", "a\n1\n"));
    const work = ingestSource({
      source,
      contract: contractOfKinds([["a", "number"]]),
      root,
      output,
      progress: silent,
      signal: AbortSignal.abort(),
    });
    expect((await failure(work)).code).toBe("CANCELLED");
  });

  it("carries hostile names and values through, and changes no prototype", async () => {
    const names = [
      "__proto__",
      "constructor",
      'a"b',
      "it's",
      "a;DROP TABLE x",
      "A",
      "a",
      "\u202eabc",
      "=cmd",
      "line\nbreak",
      "c0",
      " x ",
    ];
    const quoted = (cells: readonly string[]): string =>
      `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")}\n`;
    const { frame } = await readCsv(
      quoted(names) + quoted(names),
      names.map((name) => [name, "category"] as const),
    );
    expect(frame.names).toEqual(names);
    for (const name of names) expect(values(frame, name)).toEqual([name]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("writes the same bytes each time", async () => {
    const digest = async (): Promise<string> => {
      await readCsv("n,c\n1,a\n2,b\n", [
        ["n", "number"],
        ["c", "category"],
      ]);
      return createHash("sha256").update(readFileSync(output)).digest("hex");
    };
    const first = await digest();
    rmSync(output);
    expect(await digest()).toBe(first);
  });

  it("leaves nothing but the output behind", async () => {
    const source = csv(put("f.csv", "a\n1\n"));
    const before = readdirSync(root);
    await read(source, [["a", "number"]]);
    expect(readdirSync(root).sort()).toEqual([...before, basename(output)].sort());
  });
});
