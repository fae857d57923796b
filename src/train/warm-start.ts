import { invalidDefinition } from "../frame/definition-fault.ts";
import type { EarlierVersion } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";
import type { BoostingHyperparameters, Estimator } from "./choice-types.ts";

/**
 * The same estimator, going on from an earlier version of the pipeline's model: its features are prepared as they were for that
 * version, and up to `trees` rounds are added to the version's trees, which stay as they are. `from: "champion"` is the
 * champion there is when the pipeline runs, and without one training begins anew. Throws DEFINITION_INVALID.
 */
export function warmStart<T extends Task>(
  estimator: Estimator<T, BoostingHyperparameters>,
  { from }: { readonly from: EarlierVersion },
): Estimator<T, BoostingHyperparameters> {
  if (estimator.estimator !== "boosting")
    throw invalidDefinition("warmStart()", "takes boosting()", `${estimator.estimator}()`);
  if (estimator.tuning !== null)
    throw invalidDefinition(
      "warmStart()",
      "takes an estimator that is not tuned",
      "boosting() with a search of its own",
    );
  if (from !== "champion" && !(Number.isInteger(from) && from >= 1))
    throw invalidDefinition("warmStart().from", 'must be "champion" or the number of a version', JSON.stringify(from));
  return Object.freeze({ ...estimator, from });
}
