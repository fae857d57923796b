/** A longer line is passed on cut. */
const longestLine = 8192;

/** Cuts a stream into lines; empty ones are left out. */
export interface LineReader {
  write(chunk: string): void;
}

export function createLineReader(onLine: (line: string) => void): LineReader {
  let rest = "";
  return {
    write(chunk) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines)
        if (line !== "") onLine(line.length > longestLine ? `${line.slice(0, longestLine)}...` : line);
      // A line without an end is not kept in memory whole.
      if (rest.length > 2 * longestLine) rest = rest.slice(0, longestLine + 1);
    },
  };
}
