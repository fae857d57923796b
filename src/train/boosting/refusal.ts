import { MillraceError } from "../../core/errors/error.ts";

/** Throws HYPERPARAMETER_INVALID for a hyperparameter of boosting that does not go with the others or the target. */
export function refuse(name: string, rule: string, actual: string): never {
  throw new MillraceError("HYPERPARAMETER_INVALID", { estimator: "boosting", name, rule, actual });
}
