import { readFile, writeFile } from "node:fs/promises";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import type { Codec, FanOutItem } from "./step.ts";

/** What a fanned-out step wrote as one output: the artifacts of its elements, in order. */
export interface ArtifactList {
  readonly type: string;
  readonly format: number;
  readonly digests: readonly Digest[];
}

const marker = "millrace-list";

export const listCodec: Codec<ArtifactList> = {
  type: "list",
  format: 1,
  write: (list, path) => writeFile(path, `${JSON.stringify({ [marker]: 1, ...list })}\n`),
  async read(path) {
    const { type, format, digests } = JSON.parse(await readFile(path, "utf8")) as ArtifactList;
    return { type, format, digests };
  },
};

/** The elements of the list in a file: a JSON array, or the artifacts of an earlier fan-out. */
export async function readItems(step: string, input: string, path: string): Promise<readonly FanOutItem[]> {
  const value: unknown = JSON.parse(await readFile(path, "utf8"));
  if (Array.isArray(value)) return (value as JsonValue[]).map((item, index) => ({ index, value: item, digest: null }));
  if (typeof value === "object" && value !== null && marker in value)
    return (value as unknown as ArtifactList).digests.map((digest, index) => ({ index, value: null, digest }));
  const rule = "must be fanned out over a list";
  throw new MillraceError("WORKFLOW_INVALID", {
    step,
    rule,
    actual: `${typeof value} in "${input}"`,
    remedy: "Let the step before it return an array.",
  });
}
