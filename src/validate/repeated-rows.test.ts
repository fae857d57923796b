import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnData } from "../frame/column.ts";
import { countRepeatedRows, likelyRepeats } from "./repeated-rows.ts";

/** Rows of seven columns of every kind, few values each, so that they repeat, and missing ones among them; every other 0 is -0. */
const row = fc.tuple(...Array.from({ length: 7 }, () => fc.integer({ min: -1, max: 1 })));

function columnsOf(rows: readonly (readonly number[])[]): ColumnData[] {
  const at = (i: number): number[] => rows.map((cells) => cells[i]!);
  const doubles = (i: number): Float64Array =>
    Float64Array.from(at(i), (cell, k) => (cell < 0 ? NaN : cell > 0 ? 1e10 : k % 2 === 0 ? 0 : -0));
  return [
    { kind: "category", codes: Int32Array.from(at(0)), levels: ["a", "b"] },
    { kind: "boolean", values: Uint8Array.from(at(1), (cell) => (cell < 0 ? 255 : cell)) },
    { kind: "number", values: doubles(2) },
    { kind: "number", values: doubles(3) },
    { kind: "text", values: at(4).map((cell) => (cell < 0 ? null : `t${cell}`)) },
    { kind: "timestamp", values: doubles(5) },
    { kind: "number", values: doubles(6) },
  ];
}

describe("rows that repeat", () => {
  it("tells texts apart that meet in a hash of 32 bits", () => {
    const values = ["user0139599@example.com", "user0322382@example.com"];
    expect(countRepeatedRows([{ kind: "text", values }], 2)).toBe(0);
  });

  it("are counted as one by one comparison counts them", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (rows, nColumns) => {
        const columns = columnsOf(rows).slice(0, nColumns);
        const seen = new Set(rows.map((cells) => cells.slice(0, nColumns).join()));
        expect(countRepeatedRows(columns, rows.length)).toBe(rows.length - seen.size);
      }),
    );
  });

  it("are all among the likely ones, in their order, and equal ones have equal keys", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        const among = Uint32Array.from(rows.keys()).reverse();
        const { rows: likely, keys } = likelyRepeats(columnsOf(rows), rows.length, among);
        const texts = rows.map((cells) => cells.join());
        const twins = Array.from(among).filter((i) => texts.filter((text) => text === texts[i]).length > 1);
        expect(Array.from(likely).filter((i) => twins.includes(i))).toEqual(twins);
        const groups = new Map(Array.from(likely, (i, k) => [texts[i]!, keys[k]!]));
        for (const [k, i] of likely.entries()) expect(keys[k]).toBe(groups.get(texts[i]!));
        expect(new Set(groups.values()).size).toBe(groups.size);
      }),
    );
  });

  it("are the same for some of the rows as for all, whoever asked first", () => {
    const columns = columnsOf([
      [0, 0, 0, 0, 0, 0, 0],
      [1, 1, 1, 1, 1, 1, 1],
      [0, 0, 0, 0, 0, 0, 0],
    ]);
    for (const given of [columns, [...columns]]) {
      if (given === columns) expect(countRepeatedRows(given, 3)).toBe(1);
      const { rows, keys } = likelyRepeats(given, 3, Uint32Array.of(2, 0));
      expect([[...rows], keys[0]]).toEqual([[2, 0], keys[1]]);
      expect(countRepeatedRows(given, 3)).toBe(1);
    }
  });

  it("are sought among texts only where numbers tell no row apart", () => {
    const nRows = 10_000;
    let nRead = 0;
    const texts = (): ColumnData => {
      const values = Array.from({ length: nRows }, (_, i) => `text ${i}`);
      const counted = (target: string[], key: string | symbol): unknown => {
        ++nRead;
        return Reflect.get(target, key);
      };
      return { kind: "text", values: new Proxy(values, { get: counted }) };
    };
    const numbers = Float64Array.from({ length: nRows }, (_, i) => i / 7);
    expect(countRepeatedRows([texts(), texts(), texts(), { kind: "number", values: numbers }], nRows)).toBe(0);
    // The quick hash leaves one row in sixteen.
    expect(nRead).toBeLessThan(nRows);
  });

  it("leave nearly no other row under suspicion", () => {
    const values = Float64Array.from({ length: 100_000 }, (_, i) => (i % 99_990) / 7);
    const { rows } = likelyRepeats([{ kind: "number", values }], values.length, Uint32Array.from(values.keys()));
    expect(rows.length).toBeGreaterThanOrEqual(20);
    expect(rows.length).toBeLessThan(10_000);
  });
});
