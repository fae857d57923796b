import type { ColumnData } from "../frame/column.ts";

/** What a column seems to hold about persons, in words for "it looks like ...". */
export type PersonalData =
  | "mail addresses"
  | "phone numbers"
  | "card numbers"
  | "bank accounts"
  | "national ids"
  | "IP addresses"
  | "names of persons"
  | "postal addresses"
  | "dates of birth";

const mostValues = 2000;
const mostly = 0.8;

const shapes: readonly (readonly [what: PersonalData, isOne: (text: string) => boolean])[] = [
  ["mail addresses", (text) => /^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(text)],
  ["national ids", (text) => /^\d{3}-\d{2}-\d{4}$/.test(text) || /^[A-Z]{2}\d{6}[A-D]$/.test(text)],
  ["IP addresses", (text) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/.test(text)],
  ["bank accounts", isIban],
  ["card numbers", isCardNumber],
  ["phone numbers", (text) => /^\+\d[\d ()./-]{6,20}$/.test(text) || /^\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}$/.test(text)],
];

/** Words of a header that name what its values need not show. */
const headers: readonly (readonly [what: PersonalData, pattern: RegExp])[] = [
  ["mail addresses", /\be ?mail\b/],
  ["phone numbers", /\b(phone|telephone|mobile|cell|fax) ?(no|nr|number)?$/],
  [
    "names of persons",
    /\b(first|last|given|family|middle|maiden|full|sur) ?name\b|\bsurname\b|\b(customer|user|patient|employee|contact) name$/,
  ],
  ["postal addresses", /\b(street|address|house number)\b(?! type)/],
  ["dates of birth", /\b(date of birth|birth ?date|birthday|dob)\b/],
  ["national ids", /\b(ssn|social security|passport|national id|tax id)\b/],
];

/**
 * What a column seems to tell about persons: by the shape of at least four fifths of its values (mail, phone, card and bank
 * numbers with their check digits, national ids, IP addresses), or by words of its name; null where nothing speaks for it.
 */
export function personalDataIn(name: string, column: ColumnData, rows: Uint32Array): PersonalData | null {
  const texts = textsOf(column, rows);
  for (const [what, isOne] of shapes) {
    const n = texts.reduce((count, text) => count + (isOne(text) ? 1 : 0), 0);
    if (texts.length >= 5 && n >= mostly * texts.length) return what;
  }
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replace(/[^\p{L}\d]+/gu, " ")
    .trim();
  const [found] = headers.filter(([what, pattern]) => pattern.test(words) && fits(what, column));
  return found?.[0] ?? null;
}

/** A flag `phone` says whether there is one; a count of addresses is none. */
function fits(what: PersonalData, column: ColumnData): boolean {
  if (what === "dates of birth")
    return column.kind === "timestamp" || column.kind === "text" || column.kind === "category";
  if (column.kind === "category") return column.levels.length > 20;
  return column.kind === "text" || (column.kind === "number" && (what === "phone numbers" || what === "national ids"));
}

function textsOf(column: ColumnData, rows: Uint32Array): string[] {
  const texts: string[] = [];
  for (let i = 0; i < rows.length && texts.length < mostValues; ++i) {
    const row = rows[i]!;
    if (column.kind === "text" && column.values[row] !== null) texts.push(column.values[row]!.trim());
    else if (column.kind === "category" && column.codes[row]! >= 0)
      texts.push(column.levels[column.codes[row]!]!.trim());
    else if (column.kind === "number" && column.values[row]! >= 1e12) texts.push(String(column.values[row]!));
  }
  return texts;
}

/** 13 to 19 digits, with blanks or dashes, that pass Luhn's check. */
export function isCardNumber(text: string): boolean {
  const digits = text.replace(/[ -]/g, "");
  if (!/^[2-6]\d{12,18}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; ++i) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit;
  }
  return sum % 10 === 0;
}

/** The remainder of 97 must be 1 (ISO 13616). */
export function isIban(text: string): boolean {
  const plain = text.replaceAll(" ", "");
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(plain)) return false;
  let rest = 0;
  for (const character of plain.slice(4) + plain.slice(0, 4)) {
    for (const digit of String(Number.parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}
