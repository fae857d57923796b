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

/** Behind the number of their bytes. */
function sized(code: Code, numbers: ReadonlyMap<string, number> = new Map()): Code {
  const bytes = write(code, [], numbers);
  return [unsigned(bytes.length), bytes];
}

const section = (id: number, content: Code): Code => [id, sized(content)];

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
  const bodies = functions.map((f) => sized([vector(f.locals.map((type) => [1, type])), f.body, op.end], numbers));
  const given = imported.map((f, index) => [name("env"), name(f.name), 0x00, unsigned(index)]);
  const first = imported.length;
  const module = [
    magicAndVersion,
    section(1, vector(types)),
    section(2, vector([[name("env"), name("memory"), 0x02, limits], ...given])),
    section(3, vector(functions.map((_, index) => unsigned(first + index)))),
    section(7, vector(functions.map((f, index) => [name(f.name), 0x00, unsigned(first + index)]))),
    section(10, vector(bodies)),
  ];
  return new Uint8Array(write(module, [], numbers));
}
