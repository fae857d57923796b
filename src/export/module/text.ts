import type { ModuleParts } from "./parts.ts";

/**
 * The text of an exported module: the runtime, then the model as literals. It imports nothing and reads no global that a
 * browser, an edge worker and Node do not share. Equal models give equal texts.
 */
export function moduleText(runtime: string, name: string, parts: ModuleParts): string {
  const { version, digest, text, arrays } = parts;
  return [
    `// The model ${literal(name)}, version ${version}, ${digest}: written by millrace, not meant to be edited.`,
    runtime,
    "const opened = millraceRuntime.openModule({",
    `  version: ${version},`,
    `  digest: ${literal(digest)},`,
    `  text: ${literal(text)},`,
    "  arrays: [",
    ...arrays.map(
      ([paths, ...others]) => `    [[${paths.map(literal).join(", ")}], ${others.map(literal).join(", ")}],`,
    ),
    "  ],",
    "});",
    "export const { model, predict, predictMany, check } = opened;",
    "",
  ].join("\n");
}

/**
 * A text as a JavaScript literal on one line, which may stand within an HTML page, too. ASCII alone: of a module with other
 * letters an engine keeps all of them in two bytes each, and reads them at half the speed.
 */
function literal(text: string): string {
  return JSON.stringify(text).replace(/[<\u0080-\uffff]/g, escaped);
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
