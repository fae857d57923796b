import { parentPort } from "node:worker_threads";
import type { BlockColumn } from "./block.ts";
import type { BlockOrder } from "./block-crew.ts";
import { BlockParser } from "./block-parser.ts";

let parser: BlockParser | null = null;

parentPort?.on("message", ({ id, plan, bytes, start, length }: BlockOrder) => {
  if (plan !== null) parser = new BlockParser(plan);
  const block = parser!.parse(Buffer.from(bytes, start, length));
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
