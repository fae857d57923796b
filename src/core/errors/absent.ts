/** Whether the system said of a file or folder that there is none (ENOENT). */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
