import { rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { values } from "./column-values.fixtures.ts";
import { asof, join, sql, union } from "./combined-source.ts";
import { expectNoScratch, failure, folder, output, put, putParquet, read } from "./ingest.fixtures.ts";
import { rows } from "./own-source.ts";
import { csv, json, jsonl, parquet } from "./source.ts";

describe("join, asof, union and sql", () => {
  it("keep the order of rows that come from several files", async () => {
    // Not seen at once: of a hundred readings a few had the files the other way round.
    for (const n of [0, 1, 2]) put(`many/z=${n}/a.csv`, `k,n\nx,${n}\n`);
    const names = csv(put("names.csv", "k,name\nx,X\n"));
    for (let i = 0; i < 40; ++i) {
      const { frame } = await read(join(csv(`${folder}/many/`), names, { on: "k" }), [["n", "number"]]);
      expect(values(frame, "n")).toEqual([0, 1, 2]);
    }
  });

  it("joins one partner to each row, in the order of the rows, comparing keys as texts", async () => {
    const left = csv(put("left.csv", "id,n\n3,30\n1,10\n9,90\n,0\n1,11\n"));
    const right = jsonl(put("right.jsonl", '{"id":1,"x":"one","n":-1}\n{"id":3,"x":"three"}\n{"id":4,"x":"?"}\n'));
    const source = join(left, right, { on: "id", prefix: "r_" });
    const { frame } = await read(source, [
      ["n", "number"],
      ["r_x", "category"],
      ["r_n", "number"],
    ]);
    expect(values(frame, "n")).toEqual([30, 10, 90, 0, 11]);
    expect(values(frame, "r_x")).toEqual(["three", "one", null, null, "one"]);
    expect(values(frame, "r_n")).toEqual([NaN, -1, NaN, NaN, -1]);
    const inner = join(left, right, { on: ["id"], how: "inner", prefix: "r_" });
    expect(values((await read(inner, [["n", "number"]])).frame, "n")).toEqual([30, 10, 11]);
  });

  it("refuses a join that would multiply rows or give two columns one name", async () => {
    const left = csv(put("left.csv", "id,n\n1,10\n"));
    const right = csv(put("right.csv", "id,n\n1,1\n1,2\n"));
    const n = [["n", "number"]] as const;
    const twice = await failure(read(join(left, right, { on: "id", prefix: "r_" }), n));
    expect(twice).toMatchObject({ code: "SOURCE_MISMATCH" });
    expect(twice.message).toContain('2 rows with id = "1"');
    const right1 = csv(put("right1.csv", "id,n\n1,1\n"));
    expect((await failure(read(join(left, right1, { on: "id" }), n))).remedy).toMatch(/prefix/);
    expect(await failure(read(join(left, right1, { on: "idd", prefix: "r_" }), n))).toMatchObject({
      code: "COLUMN_MISSING",
      remedy: 'Did you mean "id"?',
    });
    expect(() => join(left, right1, { on: [] })).toThrow(/must name a column/);
  });

  it("takes the latest row that was known, never a later one, as its naive twin does", async () => {
    const event = fc.record({ e: fc.nat(2), t: fc.nat(20), v: fc.nat(1000) });
    const day = (t: number): string => new Date(Date.UTC(2024, 0, 1 + t)).toISOString().slice(0, 10);
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 20 }),
        fc.array(event, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        fc.option(fc.nat(6)),
        async (lefts, rights, strict, days) => {
          const text = (list: typeof lefts): string => list.map(({ e, t, v }) => `${e},${day(t)},${v}\n`).join("");
          const source = asof(csv(put("l.csv", `e,t,n\n${text(lefts)}`)), csv(put("r.csv", `e,t,v\n${text(rights)}`)), {
            on: "e",
            time: "t",
            strict,
            ...(days === null ? {} : { tolerance: `${days}d` }),
          });
          const { frame } = await read(source, [
            ["n", "number"],
            ["v", "number"],
          ]);
          const expected = lefts.map(({ e, t }) => {
            let best: (typeof rights)[number] | undefined;
            for (const right of rights) {
              const isKnown = right.e === e && (strict ? right.t < t : right.t <= t);
              if (isKnown && (days === null || t - right.t <= days) && (!best || right.t >= best.t)) best = right;
            }
            return best?.v ?? NaN;
          });
          expect(values(frame, "n")).toEqual(lefts.map(({ v }) => v));
          expect(values(frame, "v")).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("refuses times that cannot be read, on either side", async () => {
    const good = csv(put("good.csv", "e,t,n\n1,2024-01-01,1\n"));
    const bad = csv(put("bad.csv", "e,t,v\n1,01.02.2024,1\n"));
    for (const [left, right] of [
      [good, bad],
      [bad, good],
    ] as const) {
      const error = await failure(read(asof(left, right, { on: "e", time: "t" }), [["n", "number"]]));
      expect(error.message).toMatch(/must hold ISO 8601 times in "t", got 1 cells/);
    }
  });

  it("unites sources of the same columns, of any format, and refuses others", async () => {
    const a = csv(put("a.csv", "n,x\n1,?\n"), { missing: ["?"] });
    const b = json(put("b.json", '[{"x":"b","n":2}]'));
    const c = parquet(await putParquet("c.parquet", "SELECT 'c' AS x, 3.0::DOUBLE AS n"));
    const { frame } = await read(union(a, b, c), [
      ["n", "number"],
      ["x", "category"],
    ]);
    expect(values(frame, "n")).toEqual([1, 2, 3]);
    expect(values(frame, "x")).toEqual([null, "b", "c"]);
    rmSync(output);
    const d = csv(put("d.csv", "n,y\n1,2\n"));
    expect(await failure(read(union(a, d), [["n", "number"]]))).toMatchObject({ code: "SOURCE_MISMATCH" });
  });

  it("puts one source into another: a query over a join over own rows and a folder", async () => {
    put("parts/a.csv", "id,n\n1,10\n");
    put("parts/b.csv", "id,n\n2,20\n");
    const own = rows(async function* () {
      yield { id: 2, factor: 0.5 };
    });
    const joined = join(csv(`${folder}/parts`), own, { on: "id" });
    const source = sql("select id, n::double * coalesce(factor::double, 1) as n from j order by id", { j: joined });
    expect(values((await read(source, [["n", "number"]])).frame, "n")).toEqual([10, 10]);
    expectNoScratch();
  });
});
