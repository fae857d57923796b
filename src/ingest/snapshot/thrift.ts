/** A struct as its fields by id; one that holds a map is refused, for Parquet's metadata has none. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = number | boolean | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** What a field or an element of a list holds. Integers are written in their shortest form whatever their type. */
export type ThriftItem =
  | { readonly i32: number }
  | { readonly i64: number }
  | { readonly text: string }
  | { readonly struct: ThriftFields }
  | { readonly list: readonly ThriftItem[] };

/** A boolean is written as the type of its field, and no list of ours holds any. */
type ThriftField = ThriftItem | { readonly bool: boolean };

/** Fields by ascending id. */
export type ThriftFields = readonly (readonly [id: number, field: ThriftField])[];

const types = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
  uuid: 13,
} as const;

/** The bytes of a struct in Thrift's compact protocol, which Parquet's metadata is written in. */
export function encodeThrift(fields: ThriftFields): Buffer {
  const bytes: number[] = [];
  putStruct(bytes, fields);
  return Buffer.from(bytes);
}

function putStruct(out: number[], fields: ThriftFields): void {
  let last = 0;
  for (const [id, field] of fields) {
    const type = typeOf(field);
    if (id - last <= 15) out.push(((id - last) << 4) | type);
    else {
      out.push(type);
      putVarint(out, id * 2);
    }
    last = id;
    if (!("bool" in field)) putValue(out, field);
  }
  out.push(0);
}

function typeOf(field: ThriftField): number {
  if ("bool" in field) return field.bool ? types.true : types.false;
  if ("i32" in field) return types.i32;
  if ("i64" in field) return types.i64;
  if ("text" in field) return types.binary;
  return "list" in field ? types.list : types.struct;
}

function putValue(out: number[], field: ThriftItem): void {
  if ("i32" in field) putVarint(out, zigzag(field.i32));
  else if ("i64" in field) putVarint(out, zigzag(field.i64));
  else if ("text" in field) {
    const bytes = Buffer.from(field.text, "utf8");
    putVarint(out, bytes.length);
    for (const byte of bytes) out.push(byte);
  } else if ("struct" in field) putStruct(out, field.struct);
  else {
    const { list } = field;
    const type = list.length > 0 ? typeOf(list[0]!) : types.struct;
    if (list.length < 15) out.push((list.length << 4) | type);
    else {
      out.push(0xf0 | type);
      putVarint(out, list.length);
    }
    for (const one of list) putValue(out, one);
  }
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** Seven bits a byte, the lowest first. */
export function putVarint(out: number[], value: number): void {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  out.push(rest);
}

/**
 * Reads a struct and tells where it ends. Where there is a `visit`, the elements of the struct's lists are handed to it one
 * by one instead of being kept. Throws a RangeError for bytes that are none.
 */
export function decodeThrift(
  bytes: Buffer,
  start: number,
  visit?: Visitor,
): { readonly fields: ThriftStruct; readonly end: number } {
  const cursor = { bytes, at: start };
  return { fields: takeStruct(cursor, 0, visit), end: cursor.at };
}

/** This and the next two give what metadata must hold in a place; a RangeError where it holds something else. */
export function structOf(value: ThriftValue | undefined): ThriftStruct {
  if (value instanceof Map) return value as ThriftStruct;
  throw foreign();
}

export function listOf(value: ThriftValue | undefined): readonly ThriftValue[] {
  if (Array.isArray(value)) return value as readonly ThriftValue[];
  throw foreign();
}

export function integerOf(value: ThriftValue | undefined): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw foreign();
}

function foreign(): RangeError {
  return new RangeError("its metadata is not that of a Parquet file");
}

type Visitor = (id: number, element: ThriftValue) => void;

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

const deepest = 16;

function takeStruct(cursor: Cursor, depth: number, visit?: Visitor): ThriftStruct {
  if (depth > deepest) throw new RangeError("metadata nested too deeply");
  const fields = new Map<number, ThriftValue>();
  let last = 0;
  for (let head = takeByte(cursor); head !== 0; head = takeByte(cursor)) {
    last = head >> 4 ? last + (head >> 4) : unzigzag(takeVarint(cursor));
    const type = head & 15;
    if (visit && type === types.list) takeList(cursor, depth, (element) => visit(last, element));
    else fields.set(last, takeValue(cursor, type, depth));
  }
  return fields;
}

function takeValue(cursor: Cursor, type: number, depth: number): ThriftValue {
  switch (type) {
    case types.true:
      return true;
    case types.false:
      return false;
    case types.i8:
      return takeByte(cursor);
    case types.i16:
    case types.i32:
    case types.i64:
      return unzigzag(takeVarint(cursor));
    case types.double:
      return takeBytes(cursor, 8).readDoubleLE(0);
    case types.binary:
      return takeBytes(cursor, takeVarint(cursor));
    case types.uuid:
      return takeBytes(cursor, 16);
    case types.list:
    case types.set: {
      const list: ThriftValue[] = [];
      takeList(cursor, depth, (element) => void list.push(element));
      return list;
    }
    case types.struct:
      return takeStruct(cursor, depth + 1);
    default:
      throw new RangeError(`metadata of an unknown type ${type}`);
  }
}

function takeList(cursor: Cursor, depth: number, take: (element: ThriftValue) => void): void {
  const head = takeByte(cursor);
  const length = head >> 4 === 15 ? takeVarint(cursor) : head >> 4;
  if (length > cursor.bytes.length) throw new RangeError("metadata ends early");
  for (let i = 0; i < length; ++i) take(takeElement(cursor, head & 15, depth));
}

function takeElement(cursor: Cursor, type: number, depth: number): ThriftValue {
  if (type === types.true || type === types.false) return takeByte(cursor) === types.true;
  return takeValue(cursor, type, depth);
}

function takeByte(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.at++];
  if (byte === undefined) throw new RangeError("metadata ends early");
  return byte;
}

function takeBytes(cursor: Cursor, length: number): Buffer {
  cursor.at += length;
  if (cursor.at > cursor.bytes.length) throw new RangeError("metadata ends early");
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

function takeVarint(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = takeByte(cursor);
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    if (scale > 2 ** 49) throw new RangeError("metadata with an integer too large");
  }
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
