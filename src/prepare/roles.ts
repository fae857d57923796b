import { MillraceError } from "../core/errors/error.ts";
import type { Roles } from "../model/model.ts";

/** The column that plays `role`; throws DEFINITION_INVALID where none does. */
export function roleOf(roles: Roles, role: "id" | "time" | "group" | "target"): string {
  const column = roles[role];
  if (column !== null) return column;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: "split.by",
    rule: `needs a column named by \`${role}\``,
    actual: "none",
    remedy: `Set \`${role}\`, or choose another \`split.by\`.`,
  });
}
