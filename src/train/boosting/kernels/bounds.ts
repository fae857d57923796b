import {
  type Code,
  type KernelFunction,
  call,
  constant,
  f64,
  f64Constant,
  f64Load,
  f64Store,
  get,
  i32,
  isBelow,
  loop,
  move,
  op,
  select,
  tee,
  when,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { assemble } from "../../../math/wasm/module.ts";
import { put } from "../../../math/wasm/code.ts";
import { compileModule, type WasmModule } from "../../../math/wasm/webassembly.ts";
import { type BoundsRoom, roomOf } from "./bounds-finder.ts";
import { sampleKernel } from "./sample.ts";
import { sortKernels } from "./sort.ts";

/** `at` moves behind the numbers, up to `end`, that are equal to the one it is at. */
function passRun(at: number, end: number, value: number): Code {
  const isEqual = [get(at), f64Load(0), get(value), op.f64Eq];
  // What stands at `end` is read, and is not believed.
  return [put(value, get(at), f64Load(0)), loop(move(at, 8), isEqual, isBelow(at, end), op.i32And)];
}

/** Stores what `between` of bins.ts says of the number before `at` and the one at it, where `out` is, and moves `out`. */
function storeBetween(at: number, out: number, low: number, high: number, middle: number): Code {
  const half = [get(high), get(low), op.f64Sub, f64Constant(0.5), op.f64Mul];
  const isInside = [get(middle), get(low), op.f64Ge, get(middle), get(high), op.f64Lt, op.i32And];
  return [
    put(low, get(at), constant(8), op.i32Sub, f64Load(0)),
    put(high, get(at), f64Load(0)),
    put(middle, get(low), half, op.f64Add),
    [get(out), get(middle), get(low), isInside, select, f64Store(0), move(out, 8)],
  ];
}

/** As `distinctBounds`: stores bounds between all distinct of the sorted numbers and returns where they end, or 0 for too many. */
function distinctKernel(): KernelFunction {
  const [from, end, mostEnd, out, value, low, high, middle] = [0, 1, 2, 3, 4, 5, 6, 7];
  return {
    name: "distinct",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [f64, f64, f64, f64],
    body: [
      passRun(from, end, value),
      whileBelow(
        from,
        end,
        [get(out), get(mostEnd), op.i32GeU, when(constant(0), op.giveBack)],
        [storeBetween(from, out, low, high, middle), passRun(from, end, value)],
      ),
      get(out),
    ],
  };
}

/** As `equalCountBounds`: stores bounds of bins of equal counts, up to `mostEnd`, and returns where they end. */
function equalKernel(): KernelFunction {
  const [start, end, mostEnd, out, at, next, value, low, high, middle, share] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const count = (to: number, from: number): Code => [
    get(to),
    get(from),
    op.i32Sub,
    constant(3),
    op.i32ShrU,
    op.f64FromI32,
  ];
  // The bins left are one more than the bounds left.
  const binsLeft = [get(mostEnd), get(out), op.i32Sub, constant(3), op.i32ShrU, constant(1), op.i32Add, op.f64FromI32];
  const newShare = put(share, count(end, start), binsLeft, op.f64Div);
  const isFull = [count(at, start), get(share), op.f64Ge];
  const isNearlyFull = [count(at, start), get(share), f64Constant(0.5), op.f64Mul, op.f64Ge];
  const isBeforeSpike = [count(next, at), get(share), op.f64Ge];
  return {
    name: "equal",
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32, f64, f64, f64, f64, f64],
    body: [
      [put(at, get(start)), passRun(at, end, value), newShare],
      whileBelow(
        at,
        end,
        [get(out), get(mostEnd), op.i32GeU, when(get(out), op.giveBack)],
        [put(next, get(at)), passRun(next, end, value)],
        [isFull, isBeforeSpike, isNearlyFull, op.i32And, op.i32Or],
        when(storeBetween(at, out, low, high, middle), put(start, get(at)), newShare),
        put(at, get(next)),
      ),
      get(out),
    ],
  };
}

/** Sorts and cuts: what `BoundsFinder` calls. */
function findKernel([sort, distinct, equal]: readonly [number, number, number]): KernelFunction {
  const [from, end, other, counts, out, mostEnd, bytes, found] = [0, 1, 2, 3, 4, 5, 6, 7];
  const cut = (kernel: number): Code => [get(from), get(end), get(mostEnd), get(out), call(kernel)];
  return {
    name: "findBounds",
    parameters: [i32, i32, i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32],
    body: [
      put(bytes, get(end), get(from), op.i32Sub),
      put(from, get(from), get(end), get(other), get(counts), call(sort)),
      put(end, get(from), get(bytes), op.i32Add),
      [cut(distinct), tee(found), op.i32Eqz, when(put(found, cut(equal)))],
      get(found),
    ],
  };
}

/** The module that finds the bounds of columns in such a room. */
export function compileBounds(room: BoundsRoom): WasmModule {
  const sorting = sortKernels();
  const n = sorting.length;
  const functions = [...sorting, distinctKernel(), equalKernel(), findKernel([n - 1, n, n + 1]), sampleKernel()];
  return compileModule(assemble(functions, { pages: roomOf(room).pages, shared: false }));
}
