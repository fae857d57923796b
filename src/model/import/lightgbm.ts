import type { Link, TreesPredictor } from "../predictor.ts";
import { emptyForest, tableOf } from "./forest.ts";
import type { ImportedColumn, ImportedModel } from "./imported.ts";
import { type LightgbmText, type Lines, cutLightgbm, wholeOf, wordsOf } from "./lightgbm-text.ts";
import { type CategorySets, appendTree } from "./lightgbm-tree.ts";
import { refuse } from "./refusal.ts";

const mostFeatures = 1_000_000;
const mostClasses = 10_000;

const linkOf = new Map<string, Link>([
  ["none", "identity"],
  ["custom", "identity"],
  ["regression", "identity"],
  ["regression_l1", "identity"],
  ["huber", "identity"],
  ["fair", "identity"],
  ["quantile", "identity"],
  ["mape", "identity"],
  ["lambdarank", "identity"],
  ["rank_xendcg", "identity"],
  ["poisson", "log"],
  ["gamma", "log"],
  ["tweedie", "log"],
  ["binary", "sigmoid"],
  ["multiclass", "softmax"],
]);

/**
 * Reads a LightGBM text model (versions v3 and v4). Thresholds and leaves are float64 on both sides and trees are added in
 * the same order, so raw scores are LightGBM's bit for bit. What could not be exact is refused: random forests' averages,
 * linear leaves, one-versus-all, scaled sigmoids, targets under a square root.
 */
export function readLightgbm(text: string): ImportedModel {
  const file = cutLightgbm(text);
  const { head } = file;
  const version = head.get("version") ?? "";
  if (version !== "v3" && version !== "v4") refuse(`its version is "${version.slice(0, 20)}"; v3 and v4 are read`);
  if (head.has("average_output"))
    refuse("it averages its trees (boosting rf), which a sum cannot repeat to the last bit");
  const outputs = wholeOf(head, "num_tree_per_iteration", 1, mostClasses);
  if (wholeOf(head, "num_class", 1, mostClasses) !== outputs) refuse("num_class is not num_tree_per_iteration");
  const { objective, link } = objectiveOf(head, outputs);
  const categories = categoriesOf(file);
  if (file.trees.length % outputs !== 0) refuse(`${file.trees.length} trees are not whole rounds of ${outputs}`);
  const forest = emptyForest();
  for (const tree of file.trees) appendTree(forest, tree, categories);
  const predictor: TreesPredictor = {
    kind: "trees",
    link,
    outputs,
    base: new Float64Array(outputs),
    treeOutput: Uint32Array.from(file.trees, (_, tree) => tree % outputs),
    ...tableOf(forest),
  };
  return { trainer: "lightgbm", objective, columns: columnsOf(file, categories), predictor };
}

function objectiveOf(head: Lines, outputs: number): { readonly objective: string; readonly link: Link } {
  const [objective = "none", ...options] = wordsOf(head, "objective");
  const link = linkOf.get(objective);
  if (link === undefined)
    return refuse(`its objective "${objective.slice(0, 40)}" is not one whose answers are repeated exactly`);
  if (options.includes("sqrt")) refuse("its targets stand under a square root (reg_sqrt)");
  if (objective === "binary" && !options.includes("sigmoid:1")) refuse("its sigmoid is scaled");
  if ((link === "softmax") !== outputs > 1) refuse(`its objective "${objective}" does not suit ${outputs} classes`);
  return { objective, link };
}

/** The codes of each category column, as training listed them: file bytes bound their number. */
function categoriesOf({ head }: LightgbmText): CategorySets {
  const nFeatures = wholeOf(head, "max_feature_idx", 0, mostFeatures) + 1;
  const infos = wordsOf(head, "feature_infos");
  if (infos.length !== nFeatures) refuse(`feature_infos describes ${infos.length} columns, not ${nFeatures}`);
  return infos.map((info) => {
    if (info.startsWith("[") || info === "none") return null;
    const codes = info.split(":").map(Number);
    if (!codes.every((code) => Number.isInteger(code) && code < 2 ** 31))
      refuse("feature_infos holds a level that is no code");
    // Below 0 stands for missing and for levels too rare to be kept.
    const kept = codes.filter((code) => code >= 0).sort((a, b) => a - b);
    if (new Set(kept).size !== kept.length) refuse("feature_infos lists a level twice");
    return new Map(kept.map((code, position) => [code, position]));
  });
}

function columnsOf({ head, pandasCategories }: LightgbmText, categories: CategorySets): ImportedColumn[] {
  const names = wordsOf(head, "feature_names");
  if (names.length !== categories.length) refuse(`feature_names has ${names.length} names, not ${categories.length}`);
  const nCategories = categories.filter((codes) => codes !== null).length;
  if (pandasCategories !== null && pandasCategories.length !== nCategories)
    refuse(`pandas_categorical lists levels of ${pandasCategories.length} columns, and ${nCategories} are categories`);
  let position = 0;
  return categories.map((codes, feature) => {
    const name = names[feature]!;
    if (codes === null) return { name, levels: null };
    const known = pandasCategories?.[position++] ?? null;
    return { name, levels: Array.from(codes.keys(), (code) => levelOf(known, code)) };
  });
}

function levelOf(known: readonly unknown[] | null, code: number): string {
  if (known === null) return String(code);
  const level = known[code];
  if (typeof level !== "string" && typeof level !== "number" && typeof level !== "boolean")
    return refuse(`pandas_categorical has no level for the code ${code}`);
  return String(level);
}
