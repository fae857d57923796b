import {
  type KernelFunction,
  constant,
  f64,
  f64Load,
  get,
  i32,
  i32Store16,
  i32Store8,
  move,
  op,
  select,
  set,
  tee,
  whileBelow,
} from "../../../math/wasm/assembler.ts";
import { type KernelShape, boundsRoom, cellBytes } from "./shape.ts";

/**
 * The bins of the values (doubles) from `values` to `valuesEnd`: how many of the bounds at `bounds` are below a value, or
 * `missing` for NaN. Bounds are ascending, and Infinity behind the last up to `boundsRoom`. Bins go to the records from
 * `record` on, and one after the other to `column`.
 *
 * `place` moves past half of the bounds that are left wherever the last of these is below the value: no branch, so that the
 * searches of several rows go on side by side. A grid that foretells the place of most values was no faster.
 */
export function binKernel({ stride, binRoom }: Pick<KernelShape, "stride" | "binRoom">): KernelFunction {
  const bytes = cellBytes({ binRoom });
  const store = (bytes === 2 ? i32Store16 : i32Store8)(0);
  const [values, valuesEnd, bounds, missing, record, column] = [0, 1, 2, 3, 4, 5];
  const [value, place, bin] = [6, 7, 8];
  const halvings = [];
  for (let step = boundsRoom / 2; step >= 1; step /= 2) {
    const isBelow = [...get(place), ...f64Load((step - 1) * 8), ...get(value), ...op.f64Lt];
    const passed = [...isBelow, ...constant(Math.log2(step * 8)), ...op.i32Shl];
    halvings.push([...get(place), ...passed, ...op.i32Add, ...set(place)]);
  }
  const found = [...get(place), ...get(bounds), ...op.i32Sub, ...constant(3), ...op.i32ShrU];
  return {
    name: "writeBins",
    parameters: [i32, i32, i32, i32, i32, i32],
    result: null,
    locals: [f64, i32, i32],
    body: [
      whileBelow(
        values,
        valuesEnd,
        [...get(values), ...f64Load(0), ...set(value), ...get(bounds), ...set(place)],
        ...halvings,
        [...get(record), ...found, ...get(missing), ...get(value), ...get(value), ...op.f64Eq, ...select, ...tee(bin)],
        [...store, ...get(column), ...get(bin), ...store],
        [...move(values, 8), ...move(record, stride), ...move(column, bytes)],
      ),
    ],
  };
}
