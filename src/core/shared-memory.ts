/** Zeroed memory that threads read without a copy; ordinary memory where there is none to share (a browser without isolation). */
export function sharedBuffer(bytes: number): ArrayBufferLike {
  return typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}

/** `length` zeros that threads read without a copy. */
export function sharedNumbers(length: number): Float64Array {
  return new Float64Array(sharedBuffer(length * 8));
}

/** Whether threads would read these numbers without a copy. */
export function isShared(values: ArrayBufferView): boolean {
  return typeof SharedArrayBuffer !== "undefined" && values.buffer instanceof SharedArrayBuffer;
}
