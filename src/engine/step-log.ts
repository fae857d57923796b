import type { RunListener } from "./step.ts";

/** What is kept of an attempt's output: so many characters from its beginning and so many before its end. */
const headChars = 64 * 1024;
const tailChars = 192 * 1024;

/** So many lines of an attempt are shown while it runs. */
const mostShown = 10_000;

export type LogStream = "stdout" | "stderr";

/** The lines an attempt printed. However much that is, no more than a part is held in memory. */
export interface StepLog {
  add(stream: LogStream, line: string): void;
  /** Null where nothing was printed. */
  kept(): KeptLog | null;
}

/** As a row of the store keeps it: each line after "o" for stdout or "e" for stderr. */
export interface KeptLog {
  readonly head: string;
  readonly tail: string;
  /** Lines left out between the two. */
  readonly dropped: number;
}

export interface LogLine {
  readonly stream: LogStream;
  readonly text: string;
}

export function createStepLog(): StepLog {
  const head: string[] = [];
  let headFree = headChars;
  // Lines from `first` on are kept; those before it have gone and are cut off now and then.
  let tail: string[] = [];
  let first = 0;
  let tailFree = tailChars;
  let dropped = 0;
  return {
    add(stream, line) {
      const marked = `${stream === "stdout" ? "o" : "e"}${line}`;
      const size = marked.length + 1;
      if (tail.length === 0 && size <= headFree) {
        headFree -= size;
        head.push(marked);
        return;
      }
      tail.push(marked);
      tailFree -= size;
      for (; tailFree < 0; ++first) {
        tailFree += tail[first]!.length + 1;
        dropped += 1;
      }
      if (first > 1000 && first > tail.length / 2) {
        tail = tail.slice(first);
        first = 0;
      }
    },
    kept: () =>
      head.length + tail.length === 0 ? null : { head: head.join("\n"), tail: tail.slice(first).join("\n"), dropped },
  };
}

/** The lines of one part of a kept log. */
export function linesOf(part: string): readonly LogLine[] {
  if (part === "") return [];
  return part.split("\n").map((line) => ({ stream: line[0] === "e" ? "stderr" : "stdout", text: line.slice(1) }));
}

/** Shows the first lines of an attempt as they come, and at its end how many more there were. */
export function showLines(step: string, listener: RunListener): Pick<StepLog, "add"> & { end(): void } {
  let shown = 0;
  return {
    add(stream, line) {
      if (++shown <= mostShown) listener.stepLog?.({ step, stream, line });
    },
    end() {
      if (shown > mostShown)
        listener.stepLog?.({ step, stream: "stderr", line: `... and ${shown - mostShown} more lines` });
    },
  };
}
