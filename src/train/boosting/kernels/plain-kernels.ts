import type { WasmMemory } from "../../../math/wasm/webassembly.ts";
import { countInfinite } from "../../completeness.ts";
import { binOf } from "../bins.ts";
import { upperWord } from "../candidate.ts";
import type { BinKernels, Kernels } from "./kernels.ts";
import { partitionPlainly } from "./plain-partition.ts";
import { type KernelShape, binsAt, cellBytes, featuresOf, histogramStep, packed, packedStep } from "./shape.ts";

/** A bin of 16 bytes, as 32-bit words: the lower and the upper one of its sum of gradients, then those of hessians and rows. */
interface BinWords {
  g0: number;
  g1: number;
  c0: number;
  c1: number;
}

/**
 * The kernels in plain TypeScript, bit for bit: what trains where WebAssembly does not run. There are no 64-bit integers but slow
 * ones, so sums are of two words with a carry. What kernels do in vector registers has twins of its own (`vector` is null).
 */
export function plainKernels(shape: KernelShape, { buffer }: WasmMemory): Kernels {
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);
  const bytes = new Uint8Array(buffer);
  const cells = cellBytes(shape) === 2 ? new Uint16Array(buffer) : bytes;
  const addRow = shape.isPacked ? packedRowAdder(shape, words, cells) : rowAdder(shape, words, cells);
  const merge = mergerOf(shape, words);
  return {
    clear: (begin, end) => void bytes.fill(0, begin, end),
    sumRows(rowsBegin, rowsEnd, histogram) {
      for (let row = rowsBegin; row < rowsEnd; row += shape.stride) addRow(row, histogram);
    },
    sumListed(begin, end, rows, _buffer, histogram) {
      for (let at = begin / 4; at < end / 4; ++at) addRow(rows + words[at]! * shape.stride, histogram);
    },
    widen(target, targetEnd, packedSource) {
      const bin = emptyBin();
      for (let to = target, from = packedSource; to < targetEnd; to += 16, from += 8) {
        readBin(words, to, bin);
        addPacked(shape, words, from, bin);
        writeBin(words, to, bin);
      }
    },
    merge,
    partition: (begin, end, target, column, route, scratch) =>
      partitionPlainly({ words, bytes, cells }, begin, end, target, column / cellBytes(shape), route, scratch),
    writeRecords: recordWriter(shape, cells),
    addScore(begin, end, scores, value) {
      for (let at = begin / 4; at < end / 4; ++at) doubles[scores / 8 + words[at]! * shape.outputs]! += value;
    },
    vector: null,
  };
}

/** What writes bins, likewise. */
export function plainBinKernels(shape: KernelShape, { buffer }: WasmMemory): BinKernels {
  const doubles = new Float64Array(buffer);
  const cells = cellBytes(shape) === 2 ? new Uint16Array(buffer) : new Uint8Array(buffer);
  return {
    writeBins(values, valuesEnd, bounds, missing, column) {
      const upper = doubles.subarray(bounds / 8, bounds / 8 + missing - 1);
      for (let at = values / 8, cell = column / cellBytes(shape); at < valuesEnd / 8; ++at, ++cell)
        cells[cell] = binOf({ kind: "number", nValues: missing, upper }, doubles[at]!);
      return Number(countInfinite(doubles.subarray(values / 8, valuesEnd / 8)) > 0);
    },
    writeBinsByCell: null,
    writeRecords: recordWriter(shape, cells),
  };
}

function recordWriter(shape: KernelShape, cells: Uint8Array | Uint16Array): Kernels["writeRecords"] {
  const size = cellBytes(shape);
  return (column, nRows, step, record) => {
    for (let f = 0; f < featuresOf(shape); ++f) {
      const [from, to] = [(column + f * step) / size, (record + binsAt(shape)) / size + f];
      for (let row = 0; row < nRows; ++row) cells[to + (row * shape.stride) / size] = cells[from + row]!;
    }
  };
}

type RowAdder = (record: number, histogram: number) => void;

/** Adds a record's gradient, hessian and a count of one to the bin of each feature. */
function rowAdder(shape: KernelShape, words: Int32Array, cells: Uint8Array | Uint16Array): RowAdder {
  const nFeatures = featuresOf(shape);
  const size = cellBytes(shape);
  const oneRow = 2 ** (shape.countShift - 32);
  return (record, histogram) => {
    const [gradient, hessian] = [words[record / 4]!, words[record / 4 + 1]!];
    const first = (record + binsAt(shape)) / size;
    for (let f = 0; f < nFeatures; ++f) {
      const at = histogram / 4 + (shape.binOffsets[f]! + cells[first + f]!) * 4;
      addTo(words, at, gradient, gradient >> 31);
      addTo(words, at + 2, hessian, (hessian >> 31) + oneRow);
    }
  };
}

/** The same to packed bins. */
function packedRowAdder(shape: KernelShape, words: Int32Array, cells: Uint8Array | Uint16Array): RowAdder {
  const nFeatures = featuresOf(shape);
  const size = cellBytes(shape);
  return (record, histogram) => {
    const word = words[record / 4]!;
    const low = ((word & 0xffff) << packed.hessianShift) + 1;
    const high = (word >> 16) << (packed.gradientShift - 32);
    const first = (record + binsAt(shape)) / size;
    for (let f = 0; f < nFeatures; ++f)
      addTo(words, histogram / 4 + (shape.binOffsets[f]! + cells[first + f]!) * 2, low, high);
  };
}

/** See `mergeKernel`. */
function mergerOf(shape: KernelShape, words: Int32Array): Kernels["merge"] {
  const sum = emptyBin();
  const old = emptyBin();
  return (target, targetEnd, source, kind, parent) => {
    const isNarrow = kind !== "Bins";
    const step = isNarrow ? packedStep(shape) : histogramStep(shape);
    for (let offset = 0; offset < targetEnd - target; offset += 16) {
      Object.assign(sum, emptyBin());
      for (let thread = 0; thread < shape.threads; ++thread) {
        const from = source + thread * step;
        if (isNarrow) addPacked(shape, words, from + offset / 2, sum);
        else {
          readBin(words, from + offset, old);
          addBin(sum, old);
        }
      }
      writeBin(words, target + offset, sum);
      if (parent === null) continue;
      readBin(words, parent + offset, old);
      subtractBin(old, sum);
      writeBin(words, parent + offset, old);
    }
  };
}

const emptyBin = (): BinWords => ({ g0: 0, g1: 0, c0: 0, c1: 0 });

function readBin(words: Int32Array, address: number, out: BinWords): void {
  const at = address / 4;
  out.g0 = words[at]!;
  out.g1 = words[at + 1]!;
  out.c0 = words[at + 2]!;
  out.c1 = words[at + 3]!;
}

function writeBin(words: Int32Array, address: number, { g0, g1, c0, c1 }: BinWords): void {
  const at = address / 4;
  words[at] = g0;
  words[at + 1] = g1;
  words[at + 2] = c0;
  words[at + 3] = c1;
}

/** Adds a packed bin, widened, to a bin. Its hessians stand across both words. */
function addPacked({ countShift }: KernelShape, words: Int32Array, address: number, to: BinWords): void {
  const [low, high] = [words[address / 4]!, words[address / 4 + 1]!];
  const above = packed.gradientShift - 32;
  const gradient = high >> above;
  const hessian = ((high & (2 ** above - 1)) << (32 - packed.hessianShift)) | (low >>> packed.hessianShift);
  const count = low & (2 ** packed.hessianShift - 1);
  addBin(to, { g0: gradient, g1: gradient >> 31, c0: hessian, c1: count * 2 ** (countShift - 32) });
}

function addBin(to: BinWords, { g0, g1, c0, c1 }: BinWords): void {
  to.g1 = (to.g1 + g1 + carryOf(to.g0, g0)) | 0;
  to.g0 = (to.g0 + g0) | 0;
  to.c1 = (to.c1 + c1 + carryOf(to.c0, c0)) | 0;
  to.c0 = (to.c0 + c0) | 0;
}

function subtractBin(from: BinWords, { g0, g1, c0, c1 }: BinWords): void {
  from.g1 = (from.g1 - g1 - Number(from.g0 >>> 0 < g0 >>> 0)) | 0;
  from.g0 = (from.g0 - g0) | 0;
  from.c1 = (from.c1 - c1 - Number(from.c0 >>> 0 < c0 >>> 0)) | 0;
  from.c0 = (from.c0 - c0) | 0;
}

/** Adds two words to the two at a position. */
function addTo(words: Int32Array, at: number, low: number, high: number): void {
  const own = words[at]!;
  words[at] = own + low;
  words[at + 1] = words[at + 1]! + high + carryOf(own, low);
}

/** What the sum of two lower words adds to that of the upper ones. */
function carryOf(a: number, b: number): number {
  return Number((a >>> 0) + (b >>> 0) >= upperWord);
}
