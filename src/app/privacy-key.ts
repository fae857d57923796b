import type { Contract } from "../frame/contract.ts";
import { keyVariable } from "../frame/privacy.ts";

/** The key under which a contract's columns are hashed, from the environment; undefined where there is none. */
export function privacyKeyOf({ columns }: Contract): string | undefined {
  const variable = columns.map(({ privacy }) => keyVariable(privacy) ?? undefined).find((name) => name !== undefined);
  return variable === undefined ? undefined : process.env[variable];
}
