/** Whether the system said of a file or folder that there is none (ENOENT). */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** For `catch`: gives `value` in the place of a file or folder that is not there, and throws any other error again. */
export function ifAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isAbsent(error)) return value;
    throw error;
  };
}
