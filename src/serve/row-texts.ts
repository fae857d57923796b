const head = '{"rows":[{';
const tail = "}]}";
/** Characters of a body that is kept beside its value: of a longer one, blanks between the values would fill the log. */
export const longestKept = 4096;

/**
 * The rows of the body of a predict request as it holds them, for the prediction log: its only row, where it can be cut out
 * without reading the body once more, else none. `body` is JSON whose `rows` hold no objects within objects.
 */
export function rowTextsOf(body: string, rows: readonly unknown[]): readonly string[] {
  if (rows.length !== 1 || body.length > longestKept || !body.startsWith(head) || !body.endsWith(tail)) return [];
  // Where no other brace is opened, the two that close stand at the end, and one array with one object between them is all there is.
  if (body.indexOf("{", head.length) >= 0 || body.includes("\n")) return [];
  return hasCommas(body, Object.keys(rows[0] as object).length - 1)
    ? [body.slice(head.length - 1, 1 - tail.length)]
    : [];
}

/** Whether there are so many: a name that came twice would stand in the text with both values, of which nobody knows the first. */
function hasCommas(text: string, count: number): boolean {
  let at = text.indexOf(",");
  for (let i = 0; i < count && at >= 0; ++i) at = text.indexOf(",", at + 1);
  return at < 0;
}
