import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { withQuery } from "../../query/session.ts";
import { type Cell, writeCells } from "./cells-file.ts";
import { openCells } from "./cells-table.ts";

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "millrace-cells-")));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

/** Texts as a reader of delimited files may trip over, and any other; null stands for the empty text too. */
const cell = fc.oneof(
  fc.constantFrom<Cell>(
    null,
    '"',
    '""',
    ",",
    "\n",
    "\r\n",
    "\r",
    "\\",
    "NULL",
    " a ",
    "\u0000",
    "\ufeff",
    "é\u0301",
    "🙂",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);

describe("a file of cells", () => {
  it("gives every text back as it was, the empty one as missing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 }), async (rows) => {
        const file = path.join(root, "rows.cells");
        const columns = [{ name: 'a"b', type: "VARCHAR" } as const, { name: "n", type: "VARCHAR" } as const];
        const batches = (async function* () {
          yield rows;
        })();
        const { nRows } = await writeCells(file, "rows", { columns, batches });
        expect(nRows).toBe(rows.length);
        const found = await withQuery({ files: [file] }, async (session) => {
          const located = { path: file, sizeBytes: 1, modifiedMs: 0, name: "rows", partition: [] };
          const context = {
            session,
            folder: root,
            wanted: null,
            mayLackKeys: false,
            signal: undefined,
            nextFile: () => 1,
          };
          const table = await openCells(located, context);
          expect(table.names).toEqual(['a"b', "n"]);
          return session.rows(`SELECT c0, c1 FROM ${table.sql}`);
        });
        expect(found).toEqual(rows.map((row) => row.map((text) => text || null)));
      }),
      { numRuns: 60 },
    );
  });
});
