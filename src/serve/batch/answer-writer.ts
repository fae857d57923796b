import type { JsonObject } from "../../core/json.ts";
import type { RowOutcome } from "./lines.ts";

/** Writes what became of a batch's rows, in their order; each gives the bytes that can be sent by then, which may be none. */
export interface AnswerWriter {
  /** As the header says it. */
  readonly type: string;
  begin(): Promise<Buffer>;
  add(firstRow: number, outcomes: readonly RowOutcome[]): Promise<Buffer>;
  end(summary: JsonObject): Promise<Buffer>;
  /** The last words of a batch that breaks off. */
  broken(problem: object): Buffer;
}
