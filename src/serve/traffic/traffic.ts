import type { ServedModel } from "../model-source.ts";
import type { LiveRollout } from "./live-rollout.ts";

/** What a server knows of versions that get a share of the requests. */
export interface Traffic {
  /** What is under way beside a champion; undefined where nothing is, and of a version that was asked for by an alias. */
  of(served: ServedModel): LiveRollout | undefined;
}
