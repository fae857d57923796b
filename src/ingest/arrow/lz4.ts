const magic = 0x184d2204;
const shortestMatch = 4;

/**
 * Unpacks an LZ4 frame (lz4_Frame_format.md 1.6.4), the packing that Feather files have by default, to exactly `size` bytes.
 * Checksums are passed over: an Arrow buffer says its size, and what it holds is judged after. Throws a RangeError for what
 * is no such frame; it never writes beyond `size`.
 */
export function unpackLz4(input: Uint8Array, size: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== magic) throw fault("it does not begin as one");
  const flags = view.getUint8(4);
  if (flags >> 6 !== 1) throw fault("its version is unknown");
  const hasBlockChecksum = (flags & 0x10) !== 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  const output = new Uint8Array(size);
  let written = 0;
  for (let header = view.getUint32(at, true); header !== 0; header = view.getUint32(at, true)) {
    const length = header & 0x7fffffff;
    at += 4;
    if (at + length > input.length) throw fault("a block is cut off");
    const block = input.subarray(at, at + length);
    if (header >>> 31 === 1) {
      if (written + length > size) throw fault("it holds more than it says");
      output.set(block, written);
      written += length;
    } else written = unpackLz4Block(block, output, written);
    at += length + (hasBlockChecksum ? 4 : 0);
  }
  if (written !== size) throw fault(`it holds ${written} bytes and says ${size}`);
  return output;
}

/**
 * One block: pairs of literals and a match, `token | more literal lengths | literals | offset | more match lengths`. A
 * match may overlap what it writes, and begin in an earlier block. Where what is written ends; throws a RangeError.
 */
export function unpackLz4Block(block: Uint8Array, output: Uint8Array, start: number): number {
  let written = start;
  let at = 0;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (;;) {
      if (at >= block.length) throw fault("a length is cut off");
      const more = block[at++]!;
      length += more;
      if (more < 255) return length;
    }
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = lengthOf(token >> 4);
    if (at + literals > block.length || written + literals > output.length) throw fault("literals are cut off");
    output.set(block.subarray(at, at + literals), written);
    at += literals;
    written += literals;
    if (at >= block.length) break;
    if (at + 2 > block.length) throw fault("an offset is cut off");
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const length = shortestMatch + lengthOf(token & 15);
    if (offset === 0 || offset > written || written + length > output.length) throw fault("a match leads outside");
    if (offset >= length) output.copyWithin(written, written - offset, written - offset + length);
    else for (let i = 0; i < length; ++i) output[written + i] = output[written - offset + i]!;
    written += length;
  }
  return written;
}

function fault(reason: string): RangeError {
  return new RangeError(`an LZ4 frame is damaged: ${reason}`);
}
