import type { JsonObject } from "../../core/json.ts";
import { operationsOf } from "./document.ts";
import type { Operation } from "./document.ts";

/**
 * A shell script with one function an operation of an OpenAPI document: `sh client.sh predict body.json`. Server and key come
 * from MILLRACE_URL and MILLRACE_KEY.
 */
export function curlClient(document: JsonObject, url: string): string {
  const operations = operationsOf(document).filter(({ path }) => !path.includes("{"));
  const width = Math.max(...operations.map(({ id }) => id.length));
  return [
    "#!/bin/sh",
    "# Asks a Millrace server. Usage: client.sh OPERATION [FILE]; without FILE an example is sent, or standard input where there is",
    "# none; - is standard input.",
    ...operations.map(({ id, summary }) => `#   ${id.padEnd(width)}  ${oneLine(summary)}`),
    "set -eu",
    `url="\${MILLRACE_URL:-${url.replace(/["$`\\]/g, "\\$&")}}"`,
    "ask() {",
    "  # A failed request is an error, and its problem document is shown. The key stays out of the list of processes, and comes to curl",
    "  # beside standard input, which may be what is sent.",
    '  { if [ -n "${MILLRACE_KEY:-}" ]; then printf \'header = "authorization: Bearer %s"\\n\' "$MILLRACE_KEY"; fi |',
    '    curl --config /dev/fd/3 --silent --show-error --fail-with-body --retry 3 --max-time 600 "$@" 3<&0 <&4 4<&-; } 4<&0',
    "}",
    'operation="${1:-}"',
    'file="${2:-}"',
    'case "$operation" in',
    ...operations.flatMap(caseOf),
    `  *) grep '^#   ' "$0" >&2; exit 2 ;;`,
    "esac",
    "",
  ].join("\n");
}

function caseOf({ id, path, bodyTypes, example }: Operation): string[] {
  const target = `"$url"${shellQuote(path)}`;
  const [type] = bodyTypes;
  if (type === undefined) return [`  ${shellQuote(id)}) ask ${target} ;;`];
  if (bodyTypes.length > 1) return caseOfFiles(id, target, bodyTypes);
  const send = `ask -X POST -H ${shellQuote(`content-type: ${type}`)}`;
  const body = example === undefined ? shellQuote("@-") : shellQuote(JSON.stringify(example));
  return [
    `  ${shellQuote(id)})`,
    `    if [ -n "$file" ]; then ${send} --data-binary "@$file" ${target}; else ${send} --data-binary ${body} ${target}; fi ;;`,
  ];
}

/** A file's ending says which of several types it is; the answer is of the same. It is sent as it is read, however large. */
function caseOfFiles(id: string, target: string, [first, ...others]: readonly string[]): string[] {
  const endings = others.map((type) => `*.${type.replace(/^.*[/.]/, "")}) type=${shellQuote(type)} ;;`);
  return [
    `  ${shellQuote(id)})`,
    `    case "$file" in ${endings.join(" ")} *) type=${shellQuote(first!)} ;; esac`,
    `    ask -X POST -H "content-type: $type" -H "accept: $type" --upload-file "\${file:--}" ${target} ;;`,
  ];
}

/** One word for a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}
