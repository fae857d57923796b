// What the pages written by `npm run docs` share.

/** A text as Markdown shows it word for word; what stands between backticks is shown so anyway. */
export function plain(text) {
  return String(text)
    .split("`")
    .map((part, i) => (i % 2 === 0 ? part.replaceAll("<", "&lt;") : part))
    .join("`");
}

/** A text in a cell of a table. */
export function cell(text) {
  return plain(text).replaceAll("|", "\\|");
}
