import { createRequire } from "node:module";
import type { createJiti } from "jiti";

/** What loads users' TypeScript. Required when first needed: an import reads all of its code once more for what it exports. */
export function loadJiti(): { readonly createJiti: typeof createJiti } {
  return createRequire(import.meta.url)("jiti") as { readonly createJiti: typeof createJiti };
}
