import { MillraceError } from "../../core/errors/error.ts";
import type { ServerLimits } from "../limits.ts";
import type { BatchForm } from "./media-types.ts";

/** The batches that run at one time, of which those in Parquet take a file and a process each. */
export class BatchPlaces {
  readonly #limits: Pick<ServerLimits, "batches" | "batchFiles">;
  #nTaken = 0;
  #nFiles = 0;

  constructor(limits: Pick<ServerLimits, "batches" | "batchFiles">) {
    this.#limits = limits;
  }

  /** Gives what frees the place again. Throws OVERLOADED. */
  take(form: BatchForm): () => void {
    const { batches, batchFiles } = this.#limits;
    const nFiles = form === "parquet" ? 1 : 0;
    if (this.#nTaken >= batches) throw new MillraceError("OVERLOADED", { limit: batches });
    if (this.#nFiles + nFiles > batchFiles) throw new MillraceError("OVERLOADED", { limit: batchFiles });
    ++this.#nTaken;
    this.#nFiles += nFiles;
    return () => {
      --this.#nTaken;
      this.#nFiles -= nFiles;
    };
  }
}
