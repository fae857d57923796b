import {
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
} from "../../math/wasm/assembler.ts";
import { plus, put, seq } from "../../math/wasm/code.ts";
import { cellEntry, levelEntry } from "./kernel-places.ts";

/**
 * `levelOf(entry, start, end)`: the code of the bytes from `start` to `end`, which are not none: equal bytes have equal
 * codes, 0, 1, ... in the order they come. -1 where the table has to grow first. Hashed are 8 bytes at a time; of up to 8
 * bytes the hash is one-to-one, so that only longer ones are compared.
 */
export const levelKernel: KernelFunction = ((): KernelFunction => {
  const [entryAt, from, to, position, slot, code, level] = [0, 1, 2, 3, 4, 5, 6];
  const [hash, word, nOut] = [7, 8, 9];
  const of = (offset: number): number[] => seq(get(entryAt), i32Load(offset));
  const size = seq(get(to), get(from), op.i32Sub);
  const rest = seq(get(to), get(position), op.i32Sub);
  const slotAt = seq(of(cellEntry.slots), get(slot), constant(4), op.i32Mul, op.i32Add);
  const levelAt = seq(of(cellEntry.levels), get(code), constant(levelEntry.bytes), op.i32Mul, op.i32Add);
  const ofLevel = (offset: number): number[] => seq(get(level), i32Load(offset));
  // Bytes behind the last are shifted out.
  const withoutRest = block(
    seq(rest, constant(7), op.i32GtU, leaveIf(0)),
    put(nOut, seq(constant(64), rest, constant(8), op.i32Mul, op.i32Sub, op.i64ExtendU)),
    put(word, seq(get(word), get(nOut), op.i64Shl, get(nOut), op.i64ShrU)),
  );
  const mixed = seq(
    put(hash, seq(get(hash), i64Constant(-0x61c8864680b583ebn), op.i64Mul)),
    put(hash, seq(get(hash), get(hash), i64Constant(32n), op.i64ShrU, op.i64Xor)),
  );
  const toNextWord = seq(put(position, plus(position, 8)), get(position), get(to), op.i32LtU, leaveIf(0));
  const twinOfWord = seq(get(position), get(from), op.i32Sub, ofLevel(levelEntry.start), op.i32Add, i64Load(0));
  const findLevel = again(
    seq(put(code, seq(slotAt, i32Load(0))), get(code), constant(0), op.i32LtS, leaveIf(1)),
    put(level, levelAt),
    block(
      seq(get(level), i64Load(levelEntry.hash), get(hash), op.i64Ne, leaveIf(0)),
      seq(ofLevel(levelEntry.end), ofLevel(levelEntry.start), op.i32Sub, size, op.i32Ne, leaveIf(0)),
      block(
        seq(size, constant(9), op.i32LtU, leaveIf(0)),
        put(position, get(from)),
        again(
          put(word, seq(get(position), i64Load(0), twinOfWord, op.i64Xor)),
          seq(withoutRest, get(word), op.i64Eqz, op.i32Eqz, leaveIf(2)),
          toNextWord,
        ),
      ),
      seq(get(code), op.giveBack),
    ),
    seq(put(slot, seq(plus(slot, 1), of(cellEntry.mask), op.i32And)), leave(0)),
  );
  return {
    name: "levelOf",
    parameters: [i32, i32, i32],
    result: i32,
    locals: [i32, i32, i32, i32, i64, i64, i64],
    body: [
      seq(put(position, get(from)), put(hash, seq(size, op.i64ExtendU))),
      again(
        seq(put(word, seq(get(position), i64Load(0))), withoutRest),
        put(hash, seq(get(hash), get(word), op.i64Xor)),
        mixed,
        toNextWord,
      ),
      // What a word's last bytes change has come down half-way.
      mixed,
      put(slot, seq(get(hash), op.i32Wrap, of(cellEntry.mask), op.i32And)),
      block(findLevel),
      put(code, of(cellEntry.nLevels)),
      // At most half full.
      block(
        seq(get(code), constant(2), op.i32Mul, of(cellEntry.mask), op.i32LtU, leaveIf(0)),
        seq(constant(-1), op.giveBack),
      ),
      seq(slotAt, get(code), i32Store(0)),
      put(level, levelAt),
      seq(get(level), get(hash), i64Store(levelEntry.hash)),
      seq(get(level), get(from), i32Store(levelEntry.start)),
      seq(get(level), get(to), i32Store(levelEntry.end)),
      seq(get(entryAt), plus(code, 1), i32Store(cellEntry.nLevels)),
      get(code),
    ],
  };
})();
