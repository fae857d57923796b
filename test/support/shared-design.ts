import { createRng } from "../../src/core/rng.ts";
import { sharedNumbers } from "../../src/core/shared-memory.ts";
import { type Design, emptySparseBlock } from "../../src/model/design.ts";

/** Dense columns of noise around few centres, in memory that threads share. */
export function sharedDesign(nRows: number, nColumns: number): Design {
  const rng = createRng(11);
  const dense = Array.from({ length: nColumns }, (_, j) => {
    const values = sharedNumbers(nRows);
    for (let row = 0; row < nRows; ++row) values[row] = ((row * (j + 3)) % 7) + 3 * rng.next();
    return { name: `x${j}`, source: `x${j}`, values, cardinality: 0 };
  });
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}
