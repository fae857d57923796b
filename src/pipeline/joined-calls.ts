import { MillraceError } from "../core/errors/error.ts";

interface Call {
  readonly row: unknown;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** Makes one request, of at most `most` rows, of calls that come at one time. */
export function joinCalls(
  most: number,
  predictMany: (rows: readonly unknown[]) => Promise<readonly unknown[]>,
): (row: unknown) => Promise<unknown> {
  let waiting: Call[] = [];
  const send = (): void => {
    if (waiting.length > 0) void answerAll(waiting, predictMany);
    waiting = [];
  };
  return (row) =>
    new Promise((resolve, reject) => {
      // A turn of the event loop, so that calls from several requests of a server come together, too.
      if (waiting.push({ row, resolve, reject }) === 1) setTimeout(send);
      if (waiting.length === most) send();
    });
}

/**
 * A request fails for all its rows where one breaks the contract or cannot be sent, or where all are too many bytes: then each half
 * is asked again, down to that row, one after the other, for a server has few places.
 */
async function answerAll(
  calls: readonly Call[],
  predictMany: (rows: readonly unknown[]) => Promise<readonly unknown[]>,
): Promise<void> {
  try {
    const answers = await predictMany(calls.map(({ row }) => row));
    for (const [i, { resolve }] of calls.entries()) resolve(answers[i]);
  } catch (error) {
    const middle = calls.length >> 1;
    const halves = mayBeOfOneRow(error) && middle > 0 ? [calls.slice(0, middle), calls.slice(middle)] : [];
    for (const half of halves) await answerAll(half, predictMany);
    if (halves.length === 0) for (const { reject } of calls) reject(error);
  }
}

/** Whether other rows, or fewer, may be answered. What is no error of ours came from a row that has no JSON. */
function mayBeOfOneRow(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return true;
  if (error.code !== "CLIENT_REFUSED") return false;
  return [400, 413, 422].includes((error as MillraceError<"CLIENT_REFUSED">).context.status);
}
