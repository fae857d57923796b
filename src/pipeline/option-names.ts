import { nearestName } from "../core/nearest.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";

/** Throws DEFINITION_INVALID for a member that is no option, with the nearest one. */
export function refuseUnknownOptions(subject: string, given: object, known: readonly string[]): void {
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const nearest = nearestName(option, known);
    const remedy = nearest ? `Did you mean "${nearest}"?` : undefined;
    throw invalidDefinition(subject, `has the options ${known.join(", ")}`, showValue(option), remedy);
  }
}
