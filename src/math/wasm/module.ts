import { type Code, type ImportedFunction, type KernelFunction, op } from "./assembler.ts";
import { unsigned } from "./leb128.ts";

const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const name = (text: string): Code => [unsigned(text.length), Array.from(text, (letter) => letter.charCodeAt(0))];

/** Appends the bytes of a piece of code; `numbers` of functions by name. */
function write(code: Code, bytes: number[], numbers: ReadonlyMap<string, number>): number[] {
  for (let i = 0; i < code.length; ++i) {
    const part = code[i]!;
    if (typeof part === "number") bytes.push(part);
    else write(typeof part === "string" ? unsigned(numbers.get(part)!) : part, bytes, numbers);
  }
  return bytes;
}

/** Bytes in parts, which are copied once, at the end: section by section they took as long to copy as to write. */
type Parts = readonly (readonly number[])[];

const lengthOf = (parts: Parts): number => parts.reduce((total, { length }) => total + length, 0);
/** Behind the number of their bytes. */
const sized = (...parts: Parts): Parts => [unsigned(lengthOf(parts)), ...parts];
const section = (id: number, ...content: Parts): Parts => [[id], ...sized(...content)];

function joined(parts: Parts): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * A module that imports its memory as `env.memory`, and `imported` from there, and exports every function by name. The memory has
 * as many pages, or up to `mostPages`.
 */
export function assemble(
  functions: readonly KernelFunction[],
  memory: { pages: number; mostPages?: number; shared: boolean },
  imported: readonly ImportedFunction[] = [],
): Uint8Array<ArrayBuffer> {
  const types = [...imported, ...functions].map((f) => [
    0x60,
    vector(f.parameters.map((type) => [type])),
    vector(f.result === null ? [] : [[f.result]]),
  ]);
  const limits = [memory.shared ? 0x03 : 0x01, unsigned(memory.pages), unsigned(memory.mostPages ?? memory.pages)];
  const numbers = new Map([...imported, ...functions].map((f, index) => [f.name, index]));
  const written = (code: Code): number[] => write(code, [], numbers);
  const bodies = functions.map((f) => sized(written([vector(f.locals.map((type) => [1, type])), f.body, op.end])));
  const given = imported.map((f, index) => [name("env"), name(f.name), 0x00, unsigned(index)]);
  const first = imported.length;
  return joined([
    magicAndVersion,
    ...section(1, written(vector(types))),
    ...section(2, written(vector([[name("env"), name("memory"), 0x02, limits], ...given]))),
    ...section(3, written(vector(functions.map((_, index) => unsigned(first + index))))),
    ...section(7, written(vector(functions.map((f, index) => [name(f.name), 0x00, unsigned(first + index)])))),
    ...section(10, unsigned(bodies.length), ...bodies.flat()),
  ]);
}
