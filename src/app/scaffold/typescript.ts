/** Writes parts of a TypeScript file in the layout a formatter would give them. */

const width = 120;

/** A text as a double-quoted literal. */
export function literal(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (c) => (c === "\u2028" ? "\\u2028" : "\\u2029"));
}

/** A name as a key of an object literal; `__proto__` as a computed one, for a plain one would set the prototype. */
export function key(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}

/** `c.name`, or `c["na me"]`. */
export function member(object: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${object}.${name}` : `${object}[${literal(name)}]`;
}

/** `before` + items in brackets + `after` on one line where it fits, else an item a line, indented. */
export function bracketed(
  indent: string,
  before: string,
  items: readonly string[],
  after: string,
  brackets: "[]" | "{}",
): string {
  const space = brackets === "{}" && items.length > 0 ? " " : "";
  const line = `${indent}${before}${brackets[0]}${space}${items.join(", ")}${space}${brackets[1]}${after}`;
  if (line.length <= width && !line.includes("\n")) return line;
  const lines = items.map((item) => `${indent}  ${item},`);
  return [`${indent}${before}${brackets[0]}`, ...lines, `${indent}${brackets[1]}${after}`].join("\n");
}

/** A line comment; names of columns come from outside and must not end it. */
export function comment(indent: string, text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
  return `${indent}// ${plain}`;
}
