type Texts = readonly (string | null)[];

/** Number of UTF-16 code units of each text. */
export function textLengths(texts: Texts): Float64Array {
  const out = new Float64Array(texts.length);
  for (let i = 0; i < texts.length; ++i) {
    const text = texts[i];
    out[i] = text === null || text === undefined ? NaN : text.length;
  }
  return out;
}

/** What the regular expression \s matches (ECMA-262 WhiteSpace and LineTerminator). */
function isSpace(unit: number): boolean {
  if (unit <= 32) return unit === 32 || (unit >= 9 && unit <= 13);
  if (unit < 160) return false;
  return (
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000 ||
    unit === 0xfeff
  );
}

/** Number of words between white space in each text. */
export function wordCounts(texts: Texts): Float64Array {
  const out = new Float64Array(texts.length);
  for (let i = 0; i < texts.length; ++i) {
    const text = texts[i];
    if (text === null || text === undefined) {
      out[i] = NaN;
      continue;
    }
    let words = 0;
    let inWord = false;
    for (let j = 0; j < text.length; ++j) {
      const space = isSpace(text.charCodeAt(j));
      if (!space && !inWord) ++words;
      inWord = !space;
    }
    out[i] = words;
  }
  return out;
}

export function lowerCase(texts: Texts): (string | null)[] {
  return texts.map((text) => (text === null ? null : text.toLowerCase()));
}

/** 1 where the text holds `part`, case by case; 255 where it is missing. */
export function textsContaining(texts: Texts, part: string): Uint8Array {
  const out = new Uint8Array(texts.length);
  for (let i = 0; i < texts.length; ++i) {
    const text = texts[i];
    out[i] = text === null || text === undefined ? 255 : text.includes(part) ? 1 : 0;
  }
  return out;
}
