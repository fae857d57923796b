import { MillraceError } from "../../core/errors/error.ts";
import type { Loss, Settings } from "./plan.ts";
import { isRenewed } from "./renewal.ts";

/** Throws HYPERPARAMETER_INVALID for a hyperparameter of boosting that does not go with the others or the target. */
export function refuse(name: string, rule: string, actual: string): never {
  throw new MillraceError("HYPERPARAMETER_INVALID", { estimator: "boosting", name, rule, actual });
}

/** Throws HYPERPARAMETER_INVALID where rows of large gradients are to be kept for a loss whose leaves look at rows, not at gradients. */
export function refuseSampling(loss: Loss, { topShare }: Settings): void {
  if (topShare > 0 && isRenewed(loss)) refuse("topShare", `0 with the loss ${loss}`, String(topShare));
}
