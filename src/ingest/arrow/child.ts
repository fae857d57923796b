// What a child process that decodes Arrow data runs: a damaged file can cost it its time and its memory, and nobody else's.
import { keepWithin } from "../child-limits.ts";
import { ArrowFault, decodeArrow } from "./decode.ts";

const [path, output] = keepWithin() as readonly [string, string];

decodeArrow(path, output)
  .then(
    () => ({ fault: null }),
    (error: unknown) => ({
      fault: error instanceof ArrowFault ? error.message : `it is damaged: ${String(error)}`,
    }),
  )
  .then((answer) => process.send!(answer, () => process.exit(0)))
  .catch(() => process.exit(1));
