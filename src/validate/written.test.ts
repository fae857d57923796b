import { describe, expect, it } from "vitest";
import type { ColumnData } from "../frame/column.ts";
import { describeWritten, writtenIn, type WrittenValues } from "./written.ts";

const look = (texts: readonly (string | null)[]): WrittenValues | null => {
  const column: ColumnData = { kind: "text", values: texts };
  return writtenIn(
    "a",
    column,
    Uint32Array.from(texts, (_, row) => row),
  );
};
const ways = (texts: readonly (string | null)[]): readonly [string, ...string[]] | null => {
  const found = look(texts);
  return found && [found.code, ...found.ways];
};

describe("how values seem to be written", () => {
  it("tells the day from the month where some value does", () => {
    expect(ways(["01.02.2024", "31.12.2023", "3.4.2024", null, "05.06.2024", "07.08.2024"])).toEqual([
      "writtenDates",
      "DD.MM.YYYY",
    ]);
    expect(ways(["01/02/2024", "12/31/2023", "03/04/2024", "05/06/2024", "07/08/2024"])).toEqual([
      "writtenDates",
      "MM/DD/YYYY",
    ]);
    expect(
      ways(["2024/01/31 10:00", "2024/02/01 11:30", "2024/02/01 1:30", "2024/02/01 1:30", "2024/02/02 1:30"]),
    ).toEqual(["writtenDates", "YYYY/MM/DD HH:mm"]);
  });

  it("never guesses: what could be either is ambiguous, and so is what must be both", () => {
    const either = ["01/02/2024", "03/04/2024", "05/06/2024", "07/08/2024", "09/10/2024"];
    expect(ways(either)).toEqual(["ambiguousDates", "DD/MM/YYYY", "MM/DD/YYYY"]);
    expect(ways([...either, "31/12/2024", "12/31/2024"])).toEqual(["ambiguousDates", "DD/MM/YYYY", "MM/DD/YYYY"]);
    expect(describeWritten(look(either)!)).toMatch(
      /nobody can tell the day from the month.*"DD\/MM\/YYYY", "MM\/DD\/YYYY"/,
    );
  });

  it("names the formats of several, and the units", () => {
    const both = ["31.01.2024", "30.01.2024", "01/31/2024", "02/28/2024", "13.02.2024"];
    expect(ways(both)).toEqual(["writtenDates", "DD.MM.YYYY", "MM/DD/YYYY"]);
    expect(ways(["12 kg", "3.5 lb", "1kg", "2e3 g", "-1 g"])).toEqual(["writtenUnits", "g", "kg", "lb"]);
  });

  it("is silent about texts, versions, ranges, codes and few values", () => {
    for (const texts of [
      ["red", "green", "blue", "red", "red"],
      ["1.2.3", "1.2.4", "10.0.1", "2.0.0", "2.1.0"],
      ["2024-01-31", "2024-02-01", "2024-02-02", "2024-02-03", "2024-02-04"],
      ["3-4", "5-6", "7-8", "1-2", "3-4"],
      ["1 kg", "2 kg"],
      ["1 a", "2 b", "red", "blue", "green"],
    ])
      expect(look(texts)).toBeNull();
    expect(
      writtenIn("n", { kind: "number", values: Float64Array.of(1, 2, 3, 4, 5) }, Uint32Array.of(0, 1, 2, 3, 4)),
    ).toBeNull();
  });
});
