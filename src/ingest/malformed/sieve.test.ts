import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import { DelimitedFault, DelimitedScanner } from "../delimited-scan.ts";
import { lineOf } from "../line-index.ts";
import { ShownTexts } from "./shown-texts.ts";
import { Sieve } from "./sieve.ts";

interface Sifted {
  readonly sound: string;
  readonly setAside: readonly (readonly [line: number, reason: string, text: string])[];
  /** The line of the file, of each line that is sound. */
  readonly lines: readonly (number | null)[];
}

const plain = { delimiter: ",", quotes: true, nCells: null };

function sift(
  content: string | Buffer,
  options: Partial<typeof plain> | { nCells: number } = {},
  step = 1 << 20,
): Sifted {
  const bytes = Buffer.from(content as string);
  const sieve = new Sieve({ ...plain, texts: new ShownTexts(), ...options });
  const sound: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    sieve.add(bytes.subarray(at, at + step));
    sound.push(...sieve.take());
  }
  sieve.finish();
  sound.push(...sieve.take());
  const kept = Buffer.concat(sound).toString("latin1");
  const nLines = kept.split("\n").length - 1;
  return {
    sound: kept,
    setAside: sieve.setAside.map(({ line, reason, text }) => [line, reason, text]),
    lines: Array.from({ length: nLines }, (_, i) => lineOf(sieve.lines, i + 1)),
  };
}

function strictFault(bytes: Buffer): string | null {
  const scanner = new DelimitedScanner(",");
  try {
    scanner.add(bytes);
    scanner.finish();
    return null;
  } catch (error) {
    if (error instanceof DelimitedFault) return error.message;
    throw error;
  }
}

describe("a sieve of records", () => {
  it("sets a line of too few or too many cells aside", () => {
    const { sound, setAside, lines } = sift("a,b\n1,2\n3\n4,5\n6,7,8\n9,0\n");
    expect(sound).toBe("a,b\n1,2\n4,5\n9,0\n");
    expect(lines).toEqual([1, 2, 4, 6]);
    expect(setAside).toEqual([
      [3, "has 1 cell, the first line has 2", "3"],
      [5, "has 3 cells, the first line has 2", "6,7,8"],
    ]);
  });

  it("sets lines with NUL, bytes that are no text, text behind a quote and other line ends aside", () => {
    const content = Buffer.concat([
      Buffer.from('a,b\n1,\0\n2,"x"y\n3,3\n4,'),
      Buffer.from([0xff, 0x0a]),
      Buffer.from("5,5\r\n6,6\n7,7\n"),
    ]);
    const { sound, setAside } = sift(content);
    expect(sound).toBe("a,b\n3,3\n7,7\n");
    expect(setAside.map(([line, reason]) => [line, reason])).toEqual([
      [2, "holds a NUL byte"],
      [3, "has text after a closing quote"],
      [5, "holds bytes that are not UTF-8"],
      [6, "ends with CR LF, the first line with LF"],
      [7, "follows a line that ends in another way than the first"],
    ]);
  });

  it("loses one line to a quote that is never closed", () => {
    const { sound, setAside } = sift('a,b\n1,2\n3,"open\n4,5\n6,7\n');
    expect(sound).toBe("a,b\n1,2\n4,5\n6,7\n");
    expect(setAside).toEqual([[3, "opens a quote that is never closed", '3,"open']]);
  });

  it("loses one line to a quote that the next quoted cell seems to close", () => {
    const { sound, setAside } = sift('a,b\n1,"open\n2,3\n4,5\n6,"x"\n7,"y"\n');
    expect(sound).toBe('a,b\n2,3\n4,5\n6,"x"\n7,"y"\n');
    expect(setAside).toEqual([[2, "has text after a closing quote", '1,"open']]);
  });

  it("sets each line of a text aside whose quote is in fault, so that none of them passes for a row", () => {
    const { sound, setAside } = sift('a,b\n1,"two\nlines" and,text\n2,3\n');
    expect(sound).toBe("a,b\n2,3\n");
    expect(setAside.map(([line, reason]) => [line, reason])).toEqual([
      [2, "has text after a closing quote"],
      [3, "may belong to line 2, which has text after a closing quote"],
    ]);
  });

  it("sets the end of a text aside behind a line whose quote is in fault", () => {
    const { sound, setAside } = sift('a,b\n1,"x"y\nrest",2\n3,4\n');
    expect(sound).toBe("a,b\n3,4\n");
    expect(setAside.at(-1)).toEqual([3, "has a quote inside of a cell, behind a quote in fault", 'rest",2']);
  });

  it("counts a record of several lines once where only its text is in fault", () => {
    const { sound, setAside, lines } = sift('a,b\n1,"two\nli\0nes"\n2,"three\n\nlines"\n4,5\n');
    expect(sound).toBe('a,b\n2,"three\n\nlines"\n4,5\n');
    expect(setAside).toEqual([[2, "holds a NUL byte", '1,"two\nli\0nes"']]);
    expect([lines[1], lines[4]]).toEqual([4, 7]);
  });

  it("sets every line behind an open quote aside where any line would pass for a record", () => {
    const { sound, setAside } = sift('a\n1\n"open\n2\n3\n');
    expect(sound).toBe("a\n1\n");
    expect(setAside.map(([line]) => line)).toEqual([3, 4, 5]);
  });

  it("sets the first record aside only where the columns are named", () => {
    expect(sift("1\n2,3\n", { nCells: 2 }).setAside).toHaveLength(1);
    expect(() => sift('"a"b,c\n1,2\n')).toThrow("line 1 has text after a closing quote");
  });

  it("takes no piece of a record for one where a quote stays open beyond 64 MiB", () => {
    const [step, tooLarge] = [67 << 20, "begins a record of more than 64 MiB"];
    const linesOf = (line: string): string => line.repeat(Math.ceil(step / line.length) + 100);
    const text = `${"x".repeat(2_003)}\n`;
    expect(() => sift(`a\n1\n"open\n${linesOf(text)}`, {}, step)).toThrow(`line 3 ${tooLarge}`);
    const long = Buffer.alloc(step + 100, "x");
    const wide = Buffer.concat([Buffer.from('a,b\n1,2\n3,"open'), long, Buffer.from(",tail\n4,5\n")]);
    expect(() => sift(wide, {}, step)).toThrow(`line 3 ${tooLarge}`);
    const rows = linesOf(`2,${text}`);
    const { sound, setAside } = sift(`a,b\n1,"open\n${rows}`, {}, step);
    expect([sound === `a,b\n${rows}`, setAside.length]).toEqual([true, 1]);
  });

  it("learns the line end behind a first record whose quote is never closed", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const { sound, setAside } = sift(`1,"open${end}2,3${end}4${end}5,6${end}`, { nCells: 2 });
      expect(sound).toBe(`2,3${end}5,6${end}`);
      expect(setAside.map(([line]) => line)).toEqual([1, 3]);
      expect(sift(`1,"open${end}2,3${end}4,5\n\r6,7${end}`, { nCells: 2 }).setAside.length).toBeGreaterThan(1);
    }
  });

  it("takes quotes for characters where they are none", () => {
    expect(sift('a,b\n1,"x\n2,3\n', { quotes: false }).setAside).toEqual([]);
  });
});

const pieces = ['"', '""', ",", "\n", "\r\n", "\r", "\0", "\u00e4", "x", " ", '"a\nb"', '1,"c"\n', "2,3\n"];
const anyFile = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => `a,b\n1,2\n${parts.join("")}`);
/** Without a header, of two columns by definition. */
const anyBody = anyFile.map((text) => text.slice("a,b\n1,2\n".length));
/** Bytes that no text holds come between characters. */
const anyBytes = fc.tuple(anyFile, fc.boolean()).map(([text, isCut]) => {
  const bytes = Buffer.from(text);
  if (isCut && bytes.length > 12) bytes[10] = 0xff;
  return bytes;
});

describe("what a sieve leaves", () => {
  it("is the file itself where the strict reader takes it, and a file that it takes elsewhere", () => {
    let nSound = 0;
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const { sound, setAside } = sift(bytes);
        if (strictFault(bytes) === null) ++nSound;
        expect(setAside.length === 0).toBe(strictFault(bytes) === null);
        expect(strictFault(Buffer.from(sound, "latin1"))).toBeNull();
      }),
      { numRuns: 2_000, seed: 4 },
    );
    expect(nSound).toBeGreaterThan(100);
  });

  it("is a file that the strict reader takes where none has a header", () => {
    fc.assert(
      fc.property(anyBody, fc.integer({ min: 1, max: 9 }), (text, step) => {
        const sifted = sift(text, { nCells: 2 }, step);
        expect(sifted).toEqual(sift(text, { nCells: 2 }));
        expect(strictFault(Buffer.from(sifted.sound, "latin1"))).toBeNull();
        if (sifted.setAside.length === 0) expect(sifted.sound).toBe(Buffer.from(text).toString("latin1"));
      }),
      { numRuns: 2_000, seed: 7 },
    );
  });

  it("is with what was set aside the whole file, line by line, in the file's order", () => {
    fc.assert(
      fc.property(anyFile, (text) => {
        const { sound, setAside, lines } = sift(text);
        const all = text.split("\n");
        const kept = sound.split("\n").slice(0, -1);
        for (const [i, line] of lines.entries()) expect(kept[i]).toBe(Buffer.from(all[line! - 1]!).toString("latin1"));
        const numbers = setAside.map(([line]) => line);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        for (const [line, , shown] of setAside) expect(all.slice(line - 1).join("\n")).toContain(shown);
      }),
      { numRuns: 1_000, seed: 5 },
    );
  });

  it("does not depend on how the bytes come", () => {
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: 1, max: 9 }), (bytes, step) => {
        expect(sift(bytes, {}, step)).toEqual(sift(bytes));
      }),
      { numRuns: 1_000, seed: 6 },
    );
  });

  it("holds every row but the one that was damaged", () => {
    const rng = createRng(20_261_121);
    const damages: readonly ((row: string) => string)[] = [
      (row) => `${row},more`,
      (row) => row.split(",").slice(1).join(","),
      (row) => row.replace(",", ',"'),
      (row) => `"${row.replace(",", '"x,')}`,
      (row) => `${row}\0`,
      (row) => `${row}\r`,
    ];
    for (let i = 0; i < 300; ++i) {
      const rows = Array.from(
        { length: 30 },
        (_, row) => `${row},${rng.integer(2) === 0 ? `"t, ${row}"` : "t"},${row * 7}`,
      );
      const hit = rng.integer(rows.length);
      const damaged = rows.with(hit, damages[i % damages.length]!(rows[hit]!));
      const { sound, setAside } = sift(`a,b,c\n${damaged.join("\n")}\n`);
      expect(setAside.map(([line]) => line)).toContain(hit + 2);
      const lost = rows.filter((row) => !sound.includes(`\n${row}\n`));
      // A wrong line end casts doubt on the line behind it.
      expect(lost.length).toBeLessThanOrEqual(i % damages.length === 5 ? 2 : 1);
      expect(sound.split("\n").length).toBe(rows.length + 2 - setAside.length);
    }
  });
});
