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

/** A server refuses rows all together where one breaks the contract: then each half is asked again, down to that row. */
async function answerAll(
  calls: readonly Call[],
  predictMany: (rows: readonly unknown[]) => Promise<readonly unknown[]>,
): Promise<void> {
  try {
    const answers = await predictMany(calls.map(({ row }) => row));
    for (const [i, { resolve }] of calls.entries()) resolve(answers[i]);
  } catch (error) {
    const middle = calls.length >> 1;
    const halves = isOfContract(error) && middle > 0 ? [calls.slice(0, middle), calls.slice(middle)] : [];
    await Promise.all(halves.map((half) => answerAll(half, predictMany)));
    if (halves.length === 0) for (const { reject } of calls) reject(error);
  }
}

function isOfContract(error: unknown): boolean {
  if (!(error instanceof MillraceError) || error.code !== "CLIENT_REFUSED") return false;
  return (error as MillraceError<"CLIENT_REFUSED">).context.status === 422;
}
