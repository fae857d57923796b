const mostDictionaryValues = 4096;

/** Writes codes of 8-byte values in the order they come to `codes`; null where they are too many for codes to be shorter. */
export function dictionaryOf(
  words: Uint32Array,
  n: number,
  codes: Int32Array,
): { readonly dictionary: Buffer; readonly size: number } | null {
  const most = Math.min(mostDictionaryValues, n >> 2);
  const mask = 4 * mostDictionaryValues - 1;
  const slots = new Int32Array(mask + 1).fill(-1);
  const known = new Uint32Array(2 * most);
  let size = 0;
  for (let i = 0; i < n; ++i) {
    const low = words[2 * i]!;
    const high = words[2 * i + 1]!;
    const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca77);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    let code = slots[slot]!;
    while (code >= 0 && (known[2 * code] !== low || known[2 * code + 1] !== high)) {
      slot = (slot + 1) & mask;
      code = slots[slot]!;
    }
    if (code < 0) {
      if (size === most) return null;
      code = size++;
      slots[slot] = code;
      known[2 * code] = low;
      known[2 * code + 1] = high;
    }
    codes[i] = code;
  }
  return { dictionary: Buffer.from(known.buffer, 0, 8 * size), size };
}
