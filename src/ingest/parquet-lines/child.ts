// What a child process that reads a Parquet file runs: a damaged one can cost it its time, its memory and its life, and nobody else's.
import { keepWithin } from "../child-limits.ts";
import { ParquetFault } from "../parquet-shape.ts";
import type { ChildMessage } from "./parquet-lines.ts";
import { type WantedColumn, writeParquetLines } from "./write-lines.ts";

const [path] = keepWithin() as readonly [string];

const tell = (message: ChildMessage): Promise<void> =>
  new Promise((resolve, reject) =>
    process.send!(message, (error: Error | null) => (error ? reject(error) : resolve())),
  );

process.once("message", (wanted: readonly WantedColumn[]) => {
  writeParquetLines(path, wanted, {
    head: (head) => void tell({ kind: "head", head }).catch(() => {}),
    write: (lines) =>
      new Promise((resolve, reject) => process.stdout.write(lines, (error) => (error ? reject(error) : resolve()))),
  })
    .then(
      (): ChildMessage => ({ kind: "end" }),
      (error: unknown): ChildMessage => ({
        kind: "fault",
        reason: error instanceof ParquetFault ? error.message : "it cannot be read",
      }),
    )
    .then(tell)
    .then(
      () => process.exit(0),
      () => process.exit(1),
    );
});
