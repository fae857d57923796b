import { refuse } from "./refusal.ts";

const deepest = 32;
/** Values outside of lists of one type: each takes many times its bytes in memory, and a tree has some thirty. */
const mostValues = 2 ** 23;
/** Bytes and reading of each kind of number; all are big-endian. */
const numbers = {
  i: { bytes: 1, list: Int8Array, read: (view: DataView, at: number): number => view.getInt8(at) },
  U: { bytes: 1, list: Uint8Array, read: (view: DataView, at: number): number => view.getUint8(at) },
  I: { bytes: 2, list: Int16Array, read: (view: DataView, at: number): number => view.getInt16(at) },
  l: { bytes: 4, list: Int32Array, read: (view: DataView, at: number): number => view.getInt32(at) },
  L: { bytes: 8, list: Float64Array, read: (view: DataView, at: number): number => Number(view.getBigInt64(at)) },
  d: { bytes: 4, list: Float32Array, read: (view: DataView, at: number): number => view.getFloat32(at) },
  D: { bytes: 8, list: Float64Array, read: (view: DataView, at: number): number => view.getFloat64(at) },
} as const;

/** The value a UBJSON file (draft 12) holds. Every length is held against the bytes there are before anything is made of it. */
export function readUbjson(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value(reader.marker(), 0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #at = 0;
  #nValues = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  marker(): string {
    return String.fromCharCode(this.#bytes[this.#take(1)]!);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) refuse(`${this.#bytes.length - this.#at} bytes follow its end`);
  }

  value(marker: string, depth: number): unknown {
    if (depth > deepest) refuse(`it is nested more than ${deepest} deep`);
    this.#nValues += 1;
    if (this.#nValues > mostValues) refuse("it holds more values than any model");
    if (marker === "{") return this.#members(depth);
    if (marker === "[") return this.#list(depth);
    if (marker === "S") return this.#text();
    if (marker === "Z") return null;
    if (marker === "T" || marker === "F") return marker === "T";
    return this.#number(marker);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) refuse(`it is cut short: ${count} bytes are missing at ${at}`);
    this.#at += count;
    return at;
  }

  #number(marker: string): number {
    const kind = numberKind(marker);
    return kind.read(this.#view, this.#take(kind.bytes));
  }

  #length(): number {
    const length = this.#number(this.marker());
    if (!Number.isSafeInteger(length) || length < 0) refuse(`a length is ${length}`);
    return length;
  }

  #text(): string {
    const length = this.#length();
    const at = this.#take(length);
    try {
      return this.#decoder.decode(this.#bytes.subarray(at, at + length));
    } catch {
      return refuse(`the text at ${at} is no UTF-8`);
    }
  }

  #isNext(marker: string): boolean {
    if (this.#at >= this.#bytes.length || this.#bytes[this.#at] !== marker.charCodeAt(0)) return false;
    this.#at += 1;
    return true;
  }

  #members(depth: number): Readonly<Record<string, unknown>> {
    const members: [string, unknown][] = [];
    while (!this.#isNext("}")) {
      const name = this.#text();
      members.push([name, this.value(this.marker(), depth + 1)]);
    }
    return Object.fromEntries(members);
  }

  #list(depth: number): ArrayLike<unknown> {
    if (this.#isNext("$")) return this.#typedList();
    const values: unknown[] = [];
    if (!this.#isNext("#")) {
      while (!this.#isNext("]")) values.push(this.value(this.marker(), depth + 1));
      return values;
    }
    const length = this.#length();
    // Every value takes a byte at least, so a length that lies runs into the end of the file.
    for (let i = 0; i < length; ++i) values.push(this.value(this.marker(), depth + 1));
    return values;
  }

  #typedList(): ArrayLike<number> {
    const kind = numberKind(this.marker());
    if (!this.#isNext("#")) refuse("a list of one type has no length");
    const length = this.#length();
    let at = this.#take(length * kind.bytes);
    const values = new kind.list(length);
    for (let i = 0; i < length; ++i, at += kind.bytes) values[i] = kind.read(this.#view, at);
    return values;
  }
}

function numberKind(marker: string): (typeof numbers)[keyof typeof numbers] {
  if (!Object.hasOwn(numbers, marker)) refuse(`it holds a value of the unknown type ${JSON.stringify(marker)}`);
  return numbers[marker as keyof typeof numbers];
}
