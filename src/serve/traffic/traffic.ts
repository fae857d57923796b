import type { ServedModel } from "../model-source.ts";
import type { LiveRollout } from "./live-rollout.ts";

/** What a server knows of versions that get a share of the requests. */
export interface Traffic {
  /** What is under way beside a champion; undefined where nothing is. */
  of(champion: ServedModel): LiveRollout | undefined;
}
