import { parentPort } from "node:worker_threads";
import type { Block } from "./block.ts";
import type { BlockOrder, BlockReply } from "./block-crew.ts";
import { BlockParser } from "./block-parser.ts";

let parser: BlockParser | null = null;

parentPort?.on("message", ({ id, way, bytes, start, length, spare }: BlockOrder) => {
  if (way !== null) parser = new BlockParser(way.plan, way.kernels);
  const block = parser!.parse(Buffer.from(bytes, start, length), spare);
  const reply: BlockReply = { id, block, bytes };
  parentPort?.postMessage(reply, [bytes, ...(block === null ? [] : buffersOf(block))]);
});

function buffersOf({ memory, columns }: Block): ArrayBuffer[] {
  return [memory, ...columns.flatMap((column) => (column.kind === "text" ? [column.bytes.buffer] : []))];
}
