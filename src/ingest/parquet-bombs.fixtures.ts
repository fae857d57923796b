import { encodeThrift, putVarint, type ThriftFields } from "./snapshot/thrift.ts";

const magic = Buffer.from("PAR1");
const types = { int64: 2, bytes: 6 } as const;
const codecs = { none: 0, gzip: 2, zstd: 6 } as const;

/** A page, as bytes, with what its header says of it. */
interface PageParts {
  readonly dictionary?: boolean;
  readonly encoding?: number;
  readonly nValues: number;
  readonly bytes: Buffer;
  /** What the header says it unpacks to. */
  readonly unpacked?: number;
}

/** A file of one column `a`, made of the given pages, that says it holds `nRows` rows. */
export interface OneColumn {
  readonly type: keyof typeof types;
  readonly codec?: keyof typeof codecs;
  readonly nRows: number;
  readonly pages: readonly PageParts[];
}

function pageOf({ dictionary = false, encoding = 0, nValues, bytes, unpacked = bytes.length }: PageParts): Buffer {
  const shape: ThriftFields = [
    [1, { i32: nValues }],
    [2, { i32: encoding }],
    ...(dictionary
      ? []
      : ([
          [3, { i32: 3 }],
          [4, { i32: 3 }],
        ] as const)),
  ];
  const head = encodeThrift([
    [1, { i32: dictionary ? 2 : 0 }],
    [2, { i32: unpacked }],
    [3, { i32: bytes.length }],
    [dictionary ? 7 : 5, { struct: shape }],
  ]);
  return Buffer.concat([head, bytes]);
}

/** A file with a footer of ours around `data`. */
export function parquetOf(footer: ThriftFields | Buffer, data: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.isBuffer(footer) ? footer : encodeThrift(footer);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([magic, data, bytes, length, magic]);
}

/** The element of a schema that is its root, or a group. */
export function groupElement(name: string, nChildren: number): { readonly struct: ThriftFields } {
  return {
    struct: [
      [3, { i32: 1 }],
      [4, { text: name }],
      [5, { i32: nChildren }],
    ],
  };
}

/** The element of an optional column. */
export function columnElement(name: string, type: keyof typeof types): { readonly struct: ThriftFields } {
  return {
    struct: [
      [1, { i32: types[type] }],
      [3, { i32: 1 }],
      [4, { text: name }],
      ...(type === "bytes" ? ([[6, { i32: 0 }]] as const) : []),
    ],
  };
}

/** The file as bytes. */
export function oneColumn({ type, codec = "none", nRows, pages }: OneColumn): Buffer {
  const data = Buffer.concat(pages.map(pageOf));
  const hasDictionary = pages[0]!.dictionary === true;
  const first = hasDictionary ? pageOf(pages[0]!).length : 0;
  const unpacked = pages.reduce((sum, page) => sum + (page.unpacked ?? page.bytes.length), 0);
  const chunk: ThriftFields = [
    [1, { i32: types[type] }],
    [2, { list: [{ i32: 0 }, { i32: 3 }, { i32: 8 }] }],
    [3, { list: [{ text: "a" }] }],
    [4, { i32: codecs[codec] }],
    [5, { i64: nRows }],
    [6, { i64: unpacked }],
    [7, { i64: data.length }],
    [9, { i64: 4 + first }],
    ...(hasDictionary ? ([[11, { i64: 4 }]] as const) : []),
  ];
  const group: ThriftFields = [
    [
      1,
      {
        list: [
          {
            struct: [
              [2, { i64: 4 }],
              [3, { struct: chunk }],
            ],
          },
        ],
      },
    ],
    [2, { i64: unpacked }],
    [3, { i64: nRows }],
  ];
  return parquetOf(
    [
      [1, { i32: 1 }],
      [2, { list: [groupElement("root", 1), columnElement("a", type)] }],
      [3, { i64: nRows }],
      [4, { list: [{ struct: group }] }],
    ],
    data,
  );
}

/** A run of `n` equal values of up to 8 bits, as RLE writes it. */
export function runOf(n: number, value: number): Buffer {
  const bytes: number[] = [];
  putVarint(bytes, 2 * n);
  return Buffer.from([...bytes, value]);
}

/** Levels of presence in front of a page's values: all there, or none. */
export function levelsOf(n: number, isPresent: boolean): Buffer {
  const run = runOf(n, isPresent ? 1 : 0);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(run.length);
  return Buffer.concat([length, run]);
}

/** The numbers `first`, `first` + `step`, ... as DELTA_BINARY_PACKED writes them, in blocks of 128. */
function steadyNumbers(n: number, first: number, step: number): Buffer {
  const bytes: number[] = [];
  for (const value of [128, 4, n, 2 * first]) putVarint(bytes, value);
  for (let left = n - 1; left > 0; left -= 128) {
    putVarint(bytes, 2 * step);
    bytes.push(0, 0, 0, 0);
  }
  return Buffer.from(bytes);
}

/** `n` texts, each the one before and a letter more, as DELTA_BYTE_ARRAY writes them: what they share, and the rest. */
export function growingTexts(n: number): Buffer {
  return Buffer.concat([steadyNumbers(n, 0, 1), steadyNumbers(n, 1, 0), Buffer.alloc(n, "a")]);
}

/** A text as Parquet writes it plainly. */
export function plainText(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}
