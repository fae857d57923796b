/** Integers of variable length, seven bits a byte (DWARF 5, section 7.6; WebAssembly Core Specification 2.0, 5.2.2). */

/** The bytes of an unsigned integer of 32 bits. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const more = rest >>> 7;
    bytes.push((rest & 0x7f) | (more === 0 ? 0 : 0x80));
    rest = more;
  } while (rest !== 0);
  return bytes;
}

/** Those of a signed one of 64. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const last = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
    bytes.push(last ? byte : byte | 0x80);
    if (last) return bytes;
  }
}
