import { readFileSync } from "node:fs";

/** A vector file made by its make_*.py; the texts "NaN", "Infinity" and "-Infinity" become the numbers they name. */
export function readVectors<T>(name: string): T {
  const text = readFileSync(new URL(`${name}.json`, import.meta.url), "utf8");
  return JSON.parse(text, (_key, value: unknown) =>
    value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : value,
  ) as T;
}
