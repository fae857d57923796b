import { parentPort, workerData } from "node:worker_threads";
import type { Block, BlockColumn, BlockPlan } from "./block.ts";
import { BlockParser } from "./block-parser.ts";

/** A block to be read. */
interface Order {
  readonly id: number;
  readonly bytes: ArrayBuffer;
  readonly start: number;
  readonly length: number;
}

const parser = new BlockParser(workerData as BlockPlan);

parentPort?.on("message", ({ id, bytes, start, length }: Order) => {
  const block: Block | null = parser.parse(Buffer.from(bytes, start, length));
  parentPort?.postMessage({ id, block }, block === null ? [] : block.columns.flatMap(buffersOf));
});

function buffersOf(column: BlockColumn): ArrayBuffer[] {
  switch (column.kind) {
    case "category":
      return [column.codes.buffer];
    case "text":
      return [column.ends.buffer, column.bytes.buffer];
    default:
      return [column.values.buffer];
  }
}
