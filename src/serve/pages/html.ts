/** Markup that is safe to send: everything that came from outside was escaped when it was made. */
export interface Html {
  readonly markup: string;
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // Else a browser reads it, and then sends it, as a line feed.
  "\r": "&#13;",
};

function markupOf(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string") return value.replace(/[&<>"'\r]/g, (unit) => escapes[unit]!);
  if (typeof value === "number") return String(value);
  return "markup" in value ? value.markup : value.map(markupOf).join("");
}

/** Tagged template for markup: every value is escaped unless it is markup itself. Attribute values must stand in quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return { markup: parts.map((part, i) => (i === 0 ? part : markupOf(values[i - 1]) + part)).join("") };
}
