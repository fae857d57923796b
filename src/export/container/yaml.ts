import type { JsonValue } from "../../core/json.ts";

/** Plain data as YAML 1.2, in block style: every text is quoted as JSON quotes it, so that none is taken for something else. */
export function yamlText(value: JsonValue): string {
  return `${linesOf(value).join("\n")}\n`;
}

function linesOf(value: JsonValue): string[] {
  if (Array.isArray(value) && value.length > 0)
    return value.flatMap((item) => linesOf(item).map((line, i) => (i === 0 ? `- ${line}` : `  ${line}`)));
  if (value === null || typeof value !== "object" || Object.keys(value).length === 0) return [JSON.stringify(value)];
  return Object.entries(value as Readonly<Record<string, JsonValue>>).flatMap(([key, member]) => {
    const lines = linesOf(member);
    const name = /^[A-Za-z_][\w.-]*$/.test(key) ? key : JSON.stringify(key);
    const isBlock = member !== null && typeof member === "object" && Object.keys(member).length > 0;
    return isBlock ? [`${name}:`, ...lines.map((line) => `  ${line}`)] : [`${name}: ${lines[0]!}`];
  });
}
