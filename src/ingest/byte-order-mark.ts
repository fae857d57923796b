/** Bytes of the UTF-8 byte order mark that a file opens with: 3, or 0 where it has none. Wants the file's first three. */
export function byteOrderMarkLength(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
