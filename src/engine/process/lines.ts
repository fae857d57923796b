/** What of a stream is passed on: at most so many lines, each at most so long. */
const mostLines = 10_000;
const longestLine = 8192;

/** Cuts a stream into lines. A step that floods it costs a count, nothing more. */
export interface LineReader {
  write(chunk: string): void;
  /** Passes on what follows as another task's, after saying how many lines were left out. */
  restart(): void;
}

export function createLineReader(onLine: (line: string) => void, isMark: (line: string) => boolean): LineReader {
  let rest = "";
  let passed = 0;
  let dropped = 0;
  const take = (line: string): void => {
    if (line === "" || isMark(line)) return;
    if (passed < mostLines) {
      passed += 1;
      onLine(line.length > longestLine ? `${line.slice(0, longestLine)}...` : line);
    } else dropped += 1;
  };
  return {
    write(chunk) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) take(line);
      // A line without an end is not kept in memory whole.
      if (rest.length > 2 * longestLine) rest = rest.slice(0, longestLine + 1);
    },
    restart() {
      if (dropped > 0) onLine(`... and ${dropped} more lines`);
      passed = 0;
      dropped = 0;
    },
  };
}
