import {
  type Code,
  again,
  block,
  constant,
  get,
  i32,
  i32Load,
  i32Store,
  i64,
  i64Constant,
  i64Load,
  i64Store,
  type KernelFunction,
  leave,
  leaveIf,
  op,
  plus,
} from "../../math/wasm/assembler.ts";
import { put } from "../../math/wasm/code.ts";
import { cellEntry, levelEntry } from "./kernel-places.ts";

/**
 * `levelOf(entry, start, end)`: the code of the bytes from `start` to `end`, which are not none: equal bytes have equal
 * codes, 0, 1, ... in the order they come. -1 where the table has to grow first. Hashed are 8 bytes at a time; of up to 8
 * bytes the hash is one-to-one, so that only longer ones are compared.
 */
export const levelKernel: KernelFunction = ((): KernelFunction => {
  const [entryAt, from, to, position, slot, code, level] = [0, 1, 2, 3, 4, 5, 6];
  const [hash, word, nOut] = [7, 8, 9];
  const of = (offset: number): Code => [get(entryAt), i32Load(offset)];
  const size = [get(to), get(from), op.i32Sub];
  const rest = [get(to), get(position), op.i32Sub];
  const slotAt = [of(cellEntry.slots), get(slot), constant(4), op.i32Mul, op.i32Add];
  const levelAt = [of(cellEntry.levels), get(code), constant(levelEntry.bytes), op.i32Mul, op.i32Add];
  const ofLevel = (offset: number): Code => [get(level), i32Load(offset)];
  // Bytes behind the last are shifted out.
  const withoutRest = block(
    [rest, constant(7), op.i32GtU, leaveIf(0)],
    put(nOut, [constant(64), rest, constant(8), op.i32Mul, op.i32Sub, op.i64ExtendU]),
    put(word, [get(word), get(nOut), op.i64Shl, get(nOut), op.i64ShrU]),
  );
  const mixed = [
    put(hash, [get(hash), i64Constant(-0x61c8864680b583ebn), op.i64Mul]),
    put(hash, [get(hash), get(hash), i64Constant(32n), op.i64ShrU, op.i64Xor]),
  ];
  const toNextWord = [put(position, plus(position, 8)), get(position), get(to), op.i32LtU, leaveIf(0)];
  const twinOfWord = [get(position), get(from), op.i32Sub, ofLevel(levelEntry.start), op.i32Add, i64Load(0)];
  const findLevel = again(
    [put(code, [slotAt, i32Load(0)]), get(code), constant(0), op.i32LtS, leaveIf(1)],
    put(level, levelAt),
    block(
      [get(level), i64Load(levelEntry.hash), get(hash), op.i64Ne, leaveIf(0)],
      [ofLevel(levelEntry.end), ofLevel(levelEntry.start), op.i32Sub, size, op.i32Ne, leaveIf(0)],
      block(
        [size, constant(9), op.i32LtU, leaveIf(0)],
        put(position, get(from)),
        again(
          put(word, [get(position), i64Load(0), twinOfWord, op.i64Xor]),
          [withoutRest, get(word), op.i64Eqz, op.i32Eqz, leaveIf(2)],
          toNextWord,
        ),
      ),
      [get(code), op.giveBack],
    ),
    [put(slot, [plus(slot, 1), of(cellEntry.mask), op.i32And]), leave(0)],
  );
  return {
    name: "levelOf",
    parameters: [i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32, i64, i64, i64],
    body: [
      [put(position, get(from)), put(hash, [size, op.i64ExtendU])],
      again(
        [put(word, [get(position), i64Load(0)]), withoutRest],
        put(hash, [get(hash), get(word), op.i64Xor]),
        mixed,
        toNextWord,
      ),
      // What a word's last bytes change has come down half-way.
      mixed,
      put(slot, [get(hash), op.i32Wrap, of(cellEntry.mask), op.i32And]),
      block(findLevel),
      put(code, of(cellEntry.nLevels)),
      // At most half full.
      block(
        [get(code), constant(2), op.i32Mul, of(cellEntry.mask), op.i32LtU, leaveIf(0)],
        [constant(-1), op.giveBack],
      ),
      [slotAt, get(code), i32Store(0)],
      put(level, levelAt),
      [get(level), get(hash), i64Store(levelEntry.hash)],
      [get(level), get(from), i32Store(levelEntry.start)],
      [get(level), get(to), i32Store(levelEntry.end)],
      [get(entryAt), plus(code, 1), i32Store(cellEntry.nLevels)],
      get(code),
    ],
  };
})();
