import { sha256 } from "../core/digest.ts";
import type { SourceDescription } from "./source.ts";

/** A source as plain data: the generator of own rows is told by its text. */
export function plainSource(source: SourceDescription): object {
  const { generate, sources, ...rest } = source;
  return {
    ...rest,
    ...(generate ? { generate: sha256(String(generate)) } : {}),
    ...(sources ? { sources: sources.map((part) => ({ name: part.name, source: plainSource(part.source) })) } : {}),
  };
}
