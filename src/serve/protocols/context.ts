import type { PredictContext } from "../answer-rows.ts";
import type { Gathering } from "../gathering.ts";
import type { OnFault } from "../problem.ts";

/** What the routes of other protocols need to answer. */
export interface ProtocolContext extends PredictContext {
  /** Of this package. */
  readonly version: string;
  readonly onFault: OnFault;
  readonly gathering: Gathering;
  isDraining(): boolean;
}
