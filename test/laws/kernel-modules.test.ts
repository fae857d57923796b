import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { presenceKernel } from "../../src/ingest/snapshot/presence-kernel.ts";
import { compileKernels as compileReading } from "../../src/ingest/delimited/kernel-module.ts";
import { numberKernels } from "../../src/math/number-kernels.ts";
import { pairKernel } from "../../src/math/pair-kernel.ts";
import { createMemory, hasKernels } from "../../src/math/wasm/webassembly.ts";
import { kernelEdges } from "../../src/model/explain-kernels.ts";
import { createQuickKernels } from "../../src/model/quick/kernels.ts";
import { boostingEstimator } from "../../src/train/boosting/estimator.ts";
import { compileBounds } from "../../src/train/boosting/kernels/bounds.ts";
import { compileBinning, compileKernels } from "../../src/train/boosting/kernels/compile.ts";
import { createPairKernel } from "../../src/train/boosting/kernels/pairs.ts";
import type { KernelShape } from "../../src/train/boosting/kernels/shape.ts";
import { fitContext } from "../../src/train/fit-context.fixtures.ts";
import { compileForest } from "../../src/train/forest/kernels.ts";
import { compileRanking } from "../../src/train/kmeans/ranking-kernel.ts";
import { kernelProduct } from "../../src/train/mlp/product.ts";
import { designOf } from "../support/design-of-rows.ts";

/*
 * Kernels are modules that threads share with the memory they work on. What a module would keep to itself (globals), write when it
 * is instantiated (data) or run then (a start function) would be there once a thread, over what others have already written.
 */

const page = { pages: 1, shared: false };
const shape: KernelShape = {
  stride: 16,
  isPacked: false,
  binRoom: 256,
  binOffsets: Uint32Array.of(0, 4, 8),
  countShift: 48,
  hasL1: true,
  outputs: 1,
  threads: 2,
};

function boost(): Promise<unknown> {
  const rows = Array.from({ length: 60 }, (_, row) => [row, row % 7]);
  const target = { task: "regression" as const, values: Float64Array.from(rows.keys()), nLabels: 0, weights: null };
  return boostingEstimator.fit(designOf(rows, 2), target, { trees: 1, minRows: 2 }, fitContext());
}

/** Every file that assembles a module: how it is made to, and a function of what it assembles. */
const makers: Readonly<Record<string, readonly [kernel: string, make: () => unknown]>> = {
  "src/ingest/delimited/kernel-module.ts": [
    "levelOf",
    () => [true, false].map((quotes) => compileReading({ delimiter: ",", quotes, nCells: 3 })),
  ],
  "src/ingest/snapshot/presence-kernel.ts": ["keep", presenceKernel],
  "src/math/number-kernels.ts": ["irregular", numberKernels],
  "src/math/pair-kernel.ts": ["spread", pairKernel],
  "src/model/explain-kernels.ts": ["ascend", () => kernelEdges(createMemory(1, false), 1)],
  "src/model/quick/kernels.ts": [
    "trees",
    () => [null, 64].map((opened) => createQuickKernels(createMemory(1, false), 1, 3, opened)),
  ],
  "src/train/boosting/kernels/bounds.ts": ["findBounds", () => compileBounds({ values: 100, bins: 5 })],
  "src/train/boosting/kernels/compile.ts": [
    "sumListed",
    () => [
      compileKernels(shape, page),
      compileKernels({ ...shape, isPacked: true }, { pages: 1, shared: true }),
      compileKernels({ ...shape, binRoom: 512 }, page),
      compileBinning(shape, page),
    ],
  ],
  "src/train/boosting/kernels/pairs.ts": ["pairs", () => createPairKernel(10)],
  "src/train/forest/kernels.ts": ["cut", () => compileForest(page)],
  "src/train/kmeans/ranking-kernel.ts": ["rank", () => compileRanking({ nRows: 9, nDense: 3, clusters: 4 }, page)],
  "src/train/mlp/product.ts": ["block", () => kernelProduct(createMemory(1, false), 1)],
};

interface Seen {
  readonly bytes: Uint8Array;
  readonly module: WebAssembly.Module;
}

/** The numbers of a module's sections, in order (WebAssembly Core Specification 2.0, 5.5.2). */
function sectionsOf(bytes: Uint8Array): number[] {
  expect(Array.from(bytes.subarray(0, 8))).toEqual([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const ids: number[] = [];
  for (let at = 8; at < bytes.length;) {
    ids.push(bytes[at++]!);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at += size;
    expect(at).toBeLessThanOrEqual(bytes.length);
  }
  return ids;
}

/** The files that import `assemble`. */
function assemblingFiles(): string[] {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).map((file) => join("src", file));
  const isSource = (file: string): boolean => /(?<!\.test|\.fixtures)\.ts$/.test(file);
  const assembles = /^import \{[^}]*\bassemble\b[^}]*\} from "[^"]*wasm\/module\.ts"/m;
  return files
    .filter((file) => isSource(file) && assembles.test(readFileSync(file, "utf8")))
    .map((file) => file.replaceAll("\\", "/"));
}

const sections = { types: 1, imports: 2, functions: 3, exports: 7, code: 10 } as const;

describe("every module of kernels", () => {
  const { Module } = WebAssembly;
  const seen: Seen[] = [];
  const namesOf = ({ module }: Seen): string[] => Module.exports(module).map(({ name }) => name);

  beforeAll(async () => {
    // What asks the engine is a module, too, but none of kernels.
    expect(hasKernels()).toBe(true);
    vi.spyOn(WebAssembly, "Module").mockImplementation(function (bytes) {
      const module = new Module(bytes);
      seen.push({ bytes: bytes as Uint8Array, module });
      return module;
    });
    for (const [, make] of Object.values(makers)) await make();
    await boost();
  });
  afterAll(() => vi.restoreAllMocks());

  it("is made here", () => {
    expect(assemblingFiles().toSorted()).toEqual(Object.keys(makers).toSorted());
    const made = new Set(seen.flatMap(namesOf));
    for (const [file, [kernel]] of Object.entries(makers)) expect(made.has(kernel), file).toBe(true);
  });

  it("has no data, no globals, no start and nothing else but types, imports, functions, exports and code", () => {
    for (const one of seen) expect(sectionsOf(one.bytes), namesOf(one).join()).toEqual(Object.values(sections));
  });

  it("imports its memory and functions alone, and exports functions alone", () => {
    for (const { module } of seen) {
      const [memory, ...others] = Module.imports(module);
      expect(memory).toMatchObject({ module: "env", name: "memory", kind: "memory" });
      expect(others.every(({ module: from, kind }) => from === "env" && kind === "function")).toBe(true);
      expect(Module.exports(module).every(({ kind }) => kind === "function")).toBe(true);
    }
  });
});
