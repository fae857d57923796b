/** The naive twin: one pass over characters by the rules of the scanner, cells as strings; null for what is none of ours. */
export function recordsNaively(text: string): string[][] | null {
  const records: string[][] = [];
  let [record, cell, state] = [[] as string[], "", "start"];
  for (let i = 0; i < text.length; ++i) {
    const c = text[i]!;
    const isEnd = c === "\n" || (c === "\r" && text[i + 1] === "\n");
    if (state === "quoted") {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[++i]!;
      else state = "closed";
    } else if (c === "," || isEnd) {
      record.push(cell);
      [cell, state] = ["", "start"];
      if (!isEnd) continue;
      if (c === "\r") ++i;
      if (record.length > 1 || record[0] !== "" || records[0]?.length === 1) records.push(record);
      record = [];
    } else if (state === "closed" || c === "\r") return null;
    else if (c === '"' && state === "start" && cell === "") state = "quoted";
    else {
      cell += c;
      state = "plain";
    }
  }
  return state === "start" && record.length === 0 ? records : null;
}
