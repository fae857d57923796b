import { MillraceError } from "../core/errors/error.ts";
import type { Kind } from "../frame/column.ts";
import { type FenceRule, fenceRule } from "../math/fences.ts";

/** A configured transform, typed by the kinds it accepts: one that accepts more is usable where fewer are asked for. */
export interface Transform<in K extends Kind> {
  readonly transform: string;
  readonly accepts: { readonly [P in K]: true };
}

/** What one feature may be given in `prepare`: a transform, a chain of them, or one of the two words. */
export type Prepared<K extends Kind> = Transform<K> | readonly Transform<K>[] | "drop" | "keep";

/** A transform as plain data. */
export type TransformChoice =
  | { readonly transform: "standardize" }
  | { readonly transform: "clip"; readonly fences: FenceRule }
  | { readonly transform: "impute"; readonly how: "median" | "mean" | number }
  | { readonly transform: "imputeMode" }
  | { readonly transform: "oneHot"; readonly minShare: number }
  | { readonly transform: "targetEncode"; readonly smoothing: number }
  /** `maxWords` null: 20,000 where columns may be sparse, 100 for trees. */
  | { readonly transform: "tfidf"; readonly maxWords: number | null; readonly ngrams: 1 | 2 | 3 }
  | { readonly transform: "cyclic"; readonly period: "day" | "week" | "year" };

/** How one feature is prepared: its chain, "drop" to leave it out, or "keep" for no preparation of its own. */
export interface PreparationChoice {
  readonly feature: string;
  readonly choice: readonly TransformChoice[] | "drop" | "keep";
}

/** The kinds each transform accepts; at run time what `Transform<K>` says to the compiler. */
export const acceptedKinds: Readonly<Record<TransformChoice["transform"], readonly Kind[]>> = Object.freeze({
  standardize: ["number"],
  clip: ["number"],
  impute: ["number"],
  imputeMode: ["number", "category", "boolean"],
  oneHot: ["category", "boolean"],
  targetEncode: ["category"],
  tfidf: ["text"],
  cyclic: ["timestamp"],
});

/** Scales to mean 0 and standard deviation 1 of the train rows; a constant column becomes 0. */
export function standardize(): Transform<"number"> {
  return build<"number">({ transform: "standardize" });
}

/**
 * Holds numbers within `reach` (default 3) interquartile ranges of the train rows' quartiles (Tukey's fences), between two
 * of their `quantiles`, or within a `range`: what lies farther out counts as the fence. What follows it in a chain is what
 * would stand there without it.
 */
export function clip(options: { readonly reach?: number } | FenceRule = {}): Transform<"number"> {
  const given: object = options;
  const fences = fenceRule({ ...(Object.keys(given).length === 0 ? { reach: 3 } : given) });
  if (fences === null)
    refuse("clip()", "takes a reach above 0, quantiles from 0 to 1 or a range, low first", JSON.stringify(options));
  return build<"number">({ transform: "clip", fences });
}

/** Puts the train rows' median or mean, or a number of your own, where a value is missing. */
export function impute(how: "median" | "mean" | number): Transform<"number"> {
  if (typeof how === "number" ? !Number.isFinite(how) : how !== "median" && how !== "mean")
    refuse("impute()", 'takes "median", "mean" or a finite number', how);
  return build<"number">({ transform: "impute", how });
}

/** Puts the train rows' commonest value where a value is missing; of equally common ones the smallest. */
export function imputeMode(): Transform<"number" | "category" | "boolean"> {
  return build<"number" | "category" | "boolean">({ transform: "imputeMode" });
}

/** One 0/1 column a level; levels rarer than `minShare` of the train rows (default 0.001) share the column "other". */
export function oneHot(options: { readonly minShare?: number } = {}): Transform<"category" | "boolean"> {
  const { minShare = 0.001 } = options;
  if (!(minShare >= 0 && minShare <= 1)) refuse("oneHot().minShare", "is a share from 0 to 1", minShare);
  return build<"category" | "boolean">({ transform: "oneHot", minShare });
}

/**
 * The mean target of each level, drawn towards the overall mean as `smoothing` rows of it would (default 20).
 * Learned plainly on the train rows, so a level's own rows count in its mean: validation and test rows never do.
 */
export function targetEncode(options: { readonly smoothing?: number } = {}): Transform<"category"> {
  const { smoothing = 20 } = options;
  if (!(smoothing >= 0 && smoothing < Infinity)) refuse("targetEncode().smoothing", "is at least 0", smoothing);
  return build<"category">({ transform: "targetEncode", smoothing });
}

/**
 * TF-IDF of words and, up to `ngrams` (default 2), runs of words. At most `maxWords` terms; by default 20,000, or the
 * 100 that say most about the target where the model is one of trees.
 */
export function tfidf(options: { readonly maxWords?: number; readonly ngrams?: 1 | 2 | 3 } = {}): Transform<"text"> {
  const { maxWords = null, ngrams = 2 } = options;
  if (maxWords !== null && !(Number.isInteger(maxWords) && maxWords >= 1 && maxWords <= 1_000_000))
    refuse("tfidf().maxWords", "is a whole number from 1 to 1,000,000", maxWords);
  if (![1, 2, 3].includes(ngrams)) refuse("tfidf().ngrams", "is 1, 2 or 3", ngrams);
  return build<"text">({ transform: "tfidf", maxWords, ngrams });
}

/** Sine and cosine of the UTC time's position in the day, the week (from Monday) or the year. */
export function cyclic(period: "day" | "week" | "year"): Transform<"timestamp"> {
  if (period !== "day" && period !== "week" && period !== "year")
    refuse("cyclic()", 'takes "day", "week" or "year"', period);
  return build<"timestamp">({ transform: "cyclic", period });
}

/** The plain data of one entry of `prepare`; throws DEFINITION_INVALID where it was not built by the functions above. */
export function preparationOf(feature: string, prepared: Prepared<never>): PreparationChoice {
  if (prepared === "drop" || prepared === "keep") return Object.freeze({ feature, choice: prepared });
  const given: readonly Transform<never>[] = Array.isArray(prepared) ? prepared : [prepared];
  return Object.freeze({ feature, choice: Object.freeze(given.map((transform) => choiceOf(feature, transform))) });
}

function build<K extends Kind>(choice: TransformChoice): Transform<K> {
  const kinds = acceptedKinds[choice.transform] as readonly K[];
  const accepts = Object.freeze(Object.fromEntries(kinds.map((kind) => [kind, true as const])));
  return Object.freeze({ ...choice, accepts }) as unknown as Transform<K>;
}

/** Judged by shape, not identity: the definition may have been built by another copy of the package. */
function choiceOf(feature: string, transform: Transform<never>): TransformChoice {
  const isKnown =
    typeof transform === "object" && transform !== null && Object.hasOwn(acceptedKinds, transform.transform);
  if (!isKnown) refuse(`prepare.${feature}`, 'takes transforms such as standardize(), "drop" or "keep"', transform);
  const { accepts: _, ...choice } = transform;
  return Object.freeze(choice) as TransformChoice;
}

function refuse(subject: string, rule: string, actual: unknown): never {
  throw new MillraceError("DEFINITION_INVALID", { subject, rule, actual: JSON.stringify(actual) ?? String(actual) });
}
