/** One field of a protobuf message, already encoded. */
export type Field = readonly Uint8Array[];

const text = new TextEncoder();

/** A 64-bit integer as a varint, seven bits a byte, the lowest first; negative ones as two's complement. */
function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const lengthDelimited = 2;

/** An integer field. */
export function integerField(number: number, value: number | bigint): Field {
  return [varint(number << 3), varint(value)];
}

/** A field of bytes, of a text, or of a message given by its fields. */
export function bytesField(number: number, content: Uint8Array | string | readonly Field[]): Field {
  const bytes = typeof content === "string" ? text.encode(content) : isBytes(content) ? content : messageBytes(content);
  return [varint((number << 3) | lengthDelimited), varint(bytes.length), bytes];
}

/** Integers in one packed field. */
export function packedField(number: number, values: readonly number[]): Field {
  return bytesField(number, joined(values.map(varint)));
}

/** A message as the bytes of its fields (protobuf encoding, proto3). */
export function messageBytes(fields: readonly Field[]): Uint8Array {
  return joined(fields.flat());
}

function isBytes(content: Uint8Array | readonly Field[]): content is Uint8Array {
  return content instanceof Uint8Array;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
