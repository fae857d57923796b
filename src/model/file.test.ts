import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { modelKinds, randomModel, randomRow } from "../../test/models/random-models.ts";
import { isMillraceError } from "../core/errors/error.ts";
import { createRng } from "../core/rng.ts";
import { encodeContainer, type NumericArray } from "./file/container.ts";
import { fromJsonText, toJsonText } from "./file/json-text.ts";
import { decodeInPieces, decodeModel, encodeModel, modelFormat } from "./file.ts";
import type { Model } from "./model.ts";
import { predictRows } from "./predict.ts";

const model = randomModel(createRng(11), "binary", "trees");
const bytes = encodeModel(model);

function codeOf(action: () => unknown): string {
  try {
    action();
    return "accepted";
  } catch (error) {
    return isMillraceError(error) ? error.code : `not ours: ${String(error)}`;
  }
}

describe("a model file", () => {
  it("gives back the model and predicts the same bits", () => {
    assert(
      property(integer(), constantFrom(...modelKinds), (seed, [task, kind]) => {
        const rng = createRng(seed);
        const written = randomModel(rng, task, kind);
        const read = decodeModel(encodeModel(written));
        expect(read).toEqual(written);
        const rows = Array.from({ length: 20 }, () => randomRow(rng));
        expect(predictRows(read, rows)).toEqual(predictRows(written, rows));
      }),
      { numRuns: 30 },
    );
  });

  it("is read in pieces: at least one an array, a tree and a parity row", () => {
    const pieces = decodeInPieces(bytes);
    let nPieces = 0;
    let step = pieces.next();
    for (; !step.done; step = pieces.next()) ++nPieces;
    expect(step.value).toEqual(model);
    const { predictor, parity } = model;
    const nTrees = predictor.kind === "trees" ? predictor.treeOffsets.length : 0;
    expect(nPieces).toBeGreaterThan(13 + nTrees + parity!.rows.length);
  });

  it("has the same bytes when it is written again", () => {
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
  });

  it("keeps numbers that JSON cannot say", () => {
    const a = { op: "column", kind: "number", name: "area" } as const;
    const clipped = { op: "clip", kind: "number", a, min: -1, max: -0 } as const;
    const written: Model = { ...model, parity: null, expressions: [{ name: "ratio", expression: clipped }] };
    const { expression } = decodeModel(encodeModel(written)).expressions[0]!;
    expect(Object.is((expression as typeof clipped).max, -0)).toBe(true);
    const numbers = { a: [NaN, Infinity, -Infinity, -0, 0, 5e-324], b: null };
    expect(fromJsonText(toJsonText(numbers))).toEqual(numbers);
  });

  it("is laid out as safetensors: every array aligned to its elements, without holes", () => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const { __metadata__: metadata, ...table } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(length % 8).toBe(0);
    expect(metadata).toMatchObject({ format: "millrace-model", formatVersion: "1" });
    let end = 0;
    for (const { dtype, data_offsets: offsets } of Object.values(table) as {
      dtype: string;
      data_offsets: number[];
    }[]) {
      expect(offsets[0]).toBe(end);
      expect(offsets[0]! % (dtype === "F64" ? 8 : dtype === "U8" ? 1 : 4)).toBe(0);
      end = offsets[1]!;
    }
    expect(8 + length + end).toBe(bytes.length);
  });
});

describe("a damaged model file", () => {
  it("is known by its digests, which a caller that knows a digest of the whole may leave out", () => {
    const mutant = encodeModel(randomModel(createRng(1), "regression", "linear"));
    // The lowest bit of the last number: another number, and a sound one.
    mutant[mutant.length - 8]! ^= 1;
    const read = (checkDigests: boolean): string =>
      codeOf(() => decodeModel(mutant, { checkDigests, checkParity: false }));
    expect([read(true), read(false)]).toEqual(["MODEL_FILE_DAMAGED", "accepted"]);
  });

  it("is refused whichever byte is changed", () => {
    const small = encodeModel({ ...randomModel(createRng(1), "regression", "linear"), reference: null });
    for (let at = 0; at < small.length; ++at) {
      const mutant = small.slice();
      mutant[at]! ^= 1 << (at % 8);
      expect(
        codeOf(() => decodeModel(mutant, { checkParity: false })),
        `byte ${at}`,
      ).toMatch(/^MODEL_(FILE_DAMAGED|FILE_FOREIGN|FORMAT_TOO_NEW)$/);
    }
  });

  it("is refused at whichever length it is cut", () => {
    for (let length = 0; length < bytes.length; length += length < 1000 ? 1 : 13)
      expect(
        codeOf(() => decodeModel(bytes.slice(0, length))),
        `length ${length}`,
      ).toMatch(/^MODEL_FILE_(DAMAGED|FOREIGN)$/);
    expect(codeOf(() => decodeModel(bytes.slice(0, 200)))).toBe("MODEL_FILE_DAMAGED");
    expect(codeOf(() => decodeModel(Uint8Array.of(...bytes, 0)))).toBe("MODEL_FILE_DAMAGED");
  });

  it("is refused where its parity rows come out otherwise", () => {
    const outputs = model.parity!.outputs.slice();
    outputs[3] = 0.123;
    const written = encodeModel({ ...model, parity: { ...model.parity!, outputs } });
    expect(codeOf(() => decodeModel(written))).toBe("MODEL_PARITY_BROKEN");
    expect(codeOf(() => decodeModel(written, { checkParity: false }))).toBe("accepted");
  });
});

const foreign: readonly (readonly [string, Uint8Array, string])[] = [
  ["nothing", new Uint8Array(0), "empty"],
  ["a pickle", Uint8Array.of(0x80, 4, 0x95, 1, 2, 3, 4, 5, 6, 7, 8, 9), "pickle"],
  ["a ZIP archive", new TextEncoder().encode("PK\u0003\u0004 and so on, as PyTorch writes"), "ZIP"],
  ["JSON", new TextEncoder().encode('{"model": 1, "more": [1, 2, 3]}'), "JSON"],
  ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3), "gzip"],
  ["HDF5", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0, 0), "HDF5"],
  ["text", new TextEncoder().encode("tree\nversion=v4\nnum_class=1\n"), "does not begin"],
];

describe("a foreign file", () => {
  it.each(foreign)("is refused: %s", (_, given, reason) => {
    expect(() => decodeModel(given, { subject: '"a.model"' })).toThrow(reason);
    expect(codeOf(() => decodeModel(given))).toBe("MODEL_FILE_FOREIGN");
  });

  it("is refused where another program wrote the safetensors", () => {
    const header = '{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}     ';
    const other = new Uint8Array(8 + header.length + 4);
    new DataView(other.buffer).setBigUint64(0, BigInt(header.length), true);
    other.set(new TextEncoder().encode(header), 8);
    expect(() => decodeModel(other)).toThrow("another program");
  });

  it("is refused where a newer release wrote it", () => {
    const newer = encodeContainer({ formatVersion: modelFormat + 1, texts: new Map(), arrays: new Map() });
    expect(codeOf(() => decodeModel(newer))).toBe("MODEL_FORMAT_TOO_NEW");
  });
});

type Trees = Extract<Model["predictor"], { kind: "trees" }>;

/** A file whose digests are right and whose content is not, as a forger would write it. */
function forged(change: (trees: { -readonly [K in keyof Trees]: Trees[K] }) => void): Uint8Array {
  const copies = Object.entries(model.predictor).map(([member, value]) => [
    member,
    typeof value === "object" ? (value as NumericArray).slice() : value,
  ]);
  const trees = Object.fromEntries(copies) as Trees;
  change(trees);
  return encodeModel({ ...model, predictor: trees });
}

describe("a forged model file", () => {
  const forgeries: readonly (readonly [string, Parameters<typeof forged>[0]])[] = [
    ["a child before its parent", (trees) => (trees.left[0] = 0)],
    ["a child in another tree", (trees) => (trees.right[0] = trees.treeOffsets[1]!)],
    ["a column there is not", (trees) => (trees.feature[0] = 999)],
    ["a feature below -1", (trees) => (trees.feature[0] = -2)],
    ["an array too short", (trees) => (trees.value = trees.value.slice(1))],
    ["a leaf that is NaN", (trees) => trees.value.fill(NaN)],
    ["a base that is infinite", (trees) => trees.base.fill(Infinity)],
    ["an output there is not", (trees) => trees.treeOutput.fill(1)],
    ["trees that do not ascend", (trees) => trees.treeOffsets.reverse()],
    ["levels outside the table", (trees) => (trees.categorySets = new Uint32Array(0))],
    ["no threshold", (trees) => trees.threshold.fill(NaN)],
    ["another link", (trees) => (trees.link = "identity")],
  ];

  it.each(forgeries)("is refused: %s", (_, change) => {
    expect(codeOf(() => decodeModel(forged(change), { checkParity: false }))).toBe("MODEL_FILE_DAMAGED");
  });

  const parts: readonly (readonly [string, Partial<Record<keyof Model, unknown>>])[] = [
    ["a task unknown", { task: "ranking" }],
    ["an input twice", { inputs: [...model.inputs, "area"] }],
    ["an input that is no column", { inputs: ["nothing"] }],
    ["labels for another task", { labels: ["a"] }],
    ["no threshold", { threshold: null }],
    ["a chain on a column there is not", { features: [{ feature: "nothing", steps: [] }] }],
    ["a chain that does not end in numbers", { features: [{ feature: "note", steps: [] }] }],
    ["a transform unknown", { features: [{ feature: "area", steps: [{ kind: "eval", code: "1" }] }] }],
    ["a transform on another kind", { features: [{ feature: "note", steps: [{ kind: "codes", levels: [] }] }] }],
    ["an expression unknown", { expressions: [{ name: "ratio", expression: { op: "eval", kind: "number" } }] }],
    ["roles that are none", { roles: {} }],
    ["a reference that is none", { reference: { nRows: -1 } }],
    ["a provenance that is none", { provenance: [] }],
    ["fewer features than the trees read", { features: model.features.slice(0, 1) }],
  ];

  it.each(parts)("is refused: %s", (_, change) => {
    const written = encodeModel({ ...model, parity: null, ...change } as Model);
    expect(codeOf(() => decodeModel(written))).toBe("MODEL_FILE_DAMAGED");
  });
});
