import {
  type Code,
  type KernelFunction,
  constant,
  get,
  i32,
  i32Load,
  i32Load16,
  i32Load8,
  i32Store8,
  isBelow,
  loop,
  move,
  op,
  plus,
  set,
  tee,
  v128,
  v128Constant,
  v128Load,
  v128Load8Splat,
  v128Store,
  when,
} from "../../math/wasm/assembler.ts";
import { assemble } from "../../math/wasm/module.ts";
import { groupRows, codeRecord, segmentRecord } from "./records.ts";
import { cellRankKernel, codesKernel, rankKernel } from "./rank-kernels.ts";
import { treesKernel } from "./trees-kernel.ts";
import { type WasmMemory, compileModule, instantiateModule } from "../../math/wasm/webassembly.ts";

/** Closes the leaves on the left of a split for the rows in `right`: those bytes of its tree's planes lose their bits. */
function closeLeft(record: number, right: number, shift: number, plane: number, clear: number, rest: number): Code {
  const cleared = [get(right), get(clear), v128Load8Splat(0), op.v128And];
  return [
    [get(record), i32Load(codeRecord.plane), get(shift), op.i32Add, set(plane)],
    [plus(record, codeRecord.clear), set(clear)],
    [get(record), i32Load8(codeRecord.planes), set(rest)],
    loop(
      [get(plane), get(plane), v128Load(0), cleared, op.v128AndNot, v128Store(0)],
      [move(plane, 16), move(clear, 1)],
      [get(rest), constant(1), op.i32Sub, tee(rest)],
    ),
  ];
}

/** Category splits of a group of rows, whose planes stand `shift` further: a table a split says which codes go right. */
const categoriesKernel: KernelFunction = (() => {
  const [segment, segmentsEnd, row, shift, scratch, record, recordsEnd, codes, table, right, plane, clear, rest] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ];
  const lookUps = Array.from({ length: groupRows }, (_, lane) => {
    const entry = [get(table), get(codes), i32Load16(lane * 2), op.i32Add];
    return [get(scratch), entry, i32Load8(0), i32Store8(lane)];
  });
  return {
    name: "categories",
    parameters: [i32, i32, i32, i32, i32],
    result: null,
    locals: [i32, i32, i32, i32, v128, i32, i32, i32],
    body: [
      loop(
        [get(segment), i32Load(segmentRecord.values), get(row), get(row), op.i32Add, op.i32Add],
        [set(codes), get(segment), i32Load(segmentRecord.begin), set(record)],
        [get(segment), i32Load(segmentRecord.end), set(recordsEnd)],
        loop(
          [get(record), i32Load(codeRecord.table), set(table)],
          ...lookUps,
          [get(scratch), v128Load(0), tee(right), op.v128AnyTrue],
          when(closeLeft(record, right, shift, plane, clear, rest)),
          [move(record, codeRecord.bytes), isBelow(record, recordsEnd)],
        ),
        [move(segment, segmentRecord.bytes), isBelow(segment, segmentsEnd)],
      ),
    ],
  };
})();

const openKernel: KernelFunction = {
  name: "open",
  parameters: [i32, i32],
  result: null,
  locals: [],
  body: [loop([get(0), v128Constant(-1n, -1n), v128Store(0), move(0, 16), isBelow(0, 1)])],
};

/** The kernels over one memory; addresses are bytes in it. No range may be empty. */
export interface QuickKernels {
  rank(values: number, valuesEnd: number, bounds: number, high: number, low: number): void;
  rankByCell(
    values: number,
    valuesEnd: number,
    bounds: number,
    high: number,
    low: number,
    cells: number,
    scale: number,
    offset: number,
  ): void;
  codes(values: number, valuesEnd: number, missing: number, codes: number): void;
  open(planes: number, planesEnd: number): void;
  categories(segments: number, segmentsEnd: number, row: number, shift: number, scratch: number): void;
  trees(
    trees: number,
    treesEnd: number,
    records: number,
    row: number,
    open: number,
    closed: number,
    values: number,
    scores: number,
  ): void;
}

/** Kernels for so many outputs a row. `opened` as for `treesKernel`. */
export function createQuickKernels(
  memory: WasmMemory,
  pages: number,
  outputs: number,
  opened: number | null,
): QuickKernels {
  const trees = treesKernel(outputs, opened);
  const functions = [rankKernel, cellRankKernel, codesKernel, openKernel, categoriesKernel, trees];
  const module = compileModule(assemble(functions, { pages, shared: false }));
  return instantiateModule(module, memory) as unknown as QuickKernels;
}
