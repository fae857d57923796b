import { log } from "../../math/elementary.ts";
import type { Link, TreesPredictor } from "../predictor.ts";
import { emptyForest, tableOf } from "./forest.ts";
import type { ImportedColumn, ImportedModel } from "./imported.ts";
import { type List, type Members, floatIn, isMembers, listAt, membersAt, textAt, wholeIn } from "./members.ts";
import { refuse } from "./refusal.ts";
import { levelsOfColumns } from "./xgboost-categories.ts";
import { appendTree } from "./xgboost-tree.ts";

const mostFeatures = 1_000_000;
const mostClasses = 10_000;
const mostTrees = 1 << 22;

/** What answers are made of raw scores with, and how the base score, which stands among the answers, becomes a raw one. */
interface Objective {
  readonly link: Link;
  readonly base: "same" | "log" | "logit";
}

const objectives = new Map<string, Objective>([
  ...[
    "reg:squarederror",
    "reg:linear",
    "reg:squaredlogerror",
    "reg:pseudohubererror",
    "reg:absoluteerror",
    "reg:quantileerror",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
  ].map((name): [string, Objective] => [name, { link: "identity", base: "same" }]),
  ...["count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"].map((name): [string, Objective] => [
    name,
    { link: "log", base: "log" },
  ]),
  ["binary:logistic", { link: "sigmoid", base: "logit" }],
  ["binary:logitraw", { link: "sigmoid", base: "logit" }],
  ["multi:softmax", { link: "softmax", base: "same" }],
  ["multi:softprob", { link: "softmax", base: "same" }],
]);

/**
 * Reads a model of XGBoost, from the values of its JSON or UBJ file (version 1.3 or later; boosters gbtree and dart). It
 * compares and adds float32 numbers, and so do we: raw scores are XGBoost's bit for bit. What could not be exact is refused:
 * linear boosters, several targets, one-hot answers of binary:hinge, chances as targets (reg:logistic).
 */
export function readXgboost(file: Members, levels: Readonly<Record<string, readonly string[]>>): ImportedModel {
  const learner = membersAt(file, "learner");
  const parameters = membersAt(learner, "learner_model_param");
  const nColumns = countOf(parameters, "num_feature", 0, mostFeatures);
  if (Object.hasOwn(parameters, "num_target") && countOf(parameters, "num_target", 0, mostClasses) > 1)
    refuse("it has several targets");
  const name = textAt(membersAt(learner, "objective"), "name");
  const objective = objectives.get(name);
  if (!objective) return refuse(`its objective "${name.slice(0, 40)}" is not one whose answers are repeated exactly`);
  const outputs = Math.max(1, countOf(parameters, "num_class", 0, mostClasses));
  if ((objective.link === "softmax") !== outputs > 1)
    refuse(`its objective "${name}" does not suit ${outputs} classes`);
  const { model, weights } = boosterOf(membersAt(learner, "gradient_booster"));
  const trees = treesOf(learner, model, outputs);
  const columns = columnsOf(learner, model, nColumns, levels);
  const forest = emptyForest();
  for (let tree = 0; tree < trees.length; ++tree)
    appendTree(forest, trees[tree]!.members, columns, weights === null ? 1 : weights(tree));
  const predictor: TreesPredictor = {
    kind: "trees",
    link: objective.link,
    outputs,
    sums: "float32",
    base: baseOf(textAt(parameters, "base_score"), objective, outputs),
    treeOutput: Uint32Array.from(trees, ({ output }) => output),
    ...tableOf(forest),
  };
  return { trainer: "xgboost", objective: name, columns, predictor };
}

/** The trees' part of a booster, and by what each tree of a dart booster is weighed. */
function boosterOf(booster: Members): { readonly model: Members; readonly weights: ((tree: number) => number) | null } {
  const name = textAt(booster, "name");
  if (name === "gbtree") return { model: membersAt(booster, "model"), weights: null };
  if (name !== "dart") return refuse(`its booster is "${name.slice(0, 20)}", which is not of trees`);
  const model = membersAt(booster, "gbtree.model");
  const weights = listAt(booster, "weight_drop", listAt(model, "trees").length);
  return { model, weights: (tree) => floatIn(weights[tree], "weight_drop") };
}

interface Tree {
  readonly members: Members;
  readonly output: number;
}

/** The trees that answer: XGBClassifier and XGBRegressor leave out those after the best round of early stopping. */
function treesOf(learner: Members, model: Members, outputs: number): readonly Tree[] {
  const trees = listAt(model, "trees");
  const info = listAt(model, "tree_info", trees.length);
  if (trees.length > mostTrees) refuse(`it has ${trees.length} trees`);
  const perRound = outputs * countOf(membersAt(model, "gbtree_model_param"), "num_parallel_tree", 1, mostTrees);
  if (trees.length % perRound !== 0) refuse(`${trees.length} trees are not whole rounds of ${perRound}`);
  const attributes = Object.hasOwn(learner, "attributes") ? learner["attributes"] : {};
  const isStopped =
    isMembers(attributes) && Object.hasOwn(attributes, "scikit_learn") && Object.hasOwn(attributes, "best_iteration");
  const rounds = isStopped ? countOf(attributes, "best_iteration", 0, mostTrees) + 1 : mostTrees;
  return Array.from({ length: Math.min(trees.length, rounds * perRound) }, (_, i) => {
    const members = trees[i];
    if (!isMembers(members)) return refuse(`tree ${i} is no object`);
    return { members, output: wholeIn(info[i], "tree_info", 0, outputs - 1) };
  });
}

function columnsOf(
  learner: Members,
  model: Members,
  nColumns: number,
  given: Readonly<Record<string, readonly string[]>>,
): ImportedColumn[] {
  const names = namesOf(learner, "feature_names", nColumns);
  const types = namesOf(learner, "feature_types", nColumns);
  const known = levelsOfColumns(model, nColumns);
  return Array.from({ length: nColumns }, (_, i) => {
    const name = names === null ? `f${i}` : names[i]!;
    if (types?.[i] !== "c") return { name, levels: null };
    const levels = Object.hasOwn(given, name) ? given[name]! : known(i);
    if (levels === null) return refuse(`it does not say the levels of its category column "${name}"; give them`);
    return { name, levels };
  });
}

function namesOf(learner: Members, member: string, nColumns: number): readonly string[] | null {
  if (!Object.hasOwn(learner, member)) return null;
  const names: List = listAt(learner, member);
  if (names.length === 0) return null;
  if (names.length !== nColumns) refuse(`${member} has ${names.length} texts, not ${nColumns}`);
  return Array.from(names, (name) => (typeof name === "string" ? name : refuse(`${member} holds what is no text`)));
}

/** One score of all answers, or one of each (version 3.1); XGBoost computes in float32. */
function baseOf(text: string, { base }: Objective, outputs: number): Float64Array {
  const words = text.replace(/^\[(.*)\]$/, "$1").split(",");
  if (words.length !== 1 && words.length !== outputs) refuse(`base_score has ${words.length} numbers, not ${outputs}`);
  return Float64Array.from({ length: outputs }, (_, k) => {
    const score = floatIn(decimalOf(words[words.length === 1 ? 0 : k]!), "base_score");
    if (base === "same") return score;
    const odds = base === "log" ? score : Math.fround(Math.fround(1 / score) - 1);
    if (!(odds > 0)) return refuse(`base_score is ${score}, which its objective cannot start from`);
    return Math.fround(base === "log" ? log(odds) : -log(odds));
  });
}

/** XGBoost writes counts and scores as texts. */
function countOf(from: Members, name: string, min: number, max: number): number {
  return wholeIn(decimalOf(textAt(from, name)), name, min, max);
}

function decimalOf(text: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(text) ? Number(text) : Number.NaN;
}
