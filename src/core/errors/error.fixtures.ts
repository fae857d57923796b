import { isMillraceError, type MillraceError } from "./error.ts";

/** The coded error that `work` ends with; anything else throws. */
export async function refusalOf(work: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (isMillraceError(error)) return error;
  throw new Error("it did not end with a coded error", { cause: error });
}
