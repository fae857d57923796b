import { MillraceError } from "../core/errors/error.ts";
import { layoutOf } from "./apply.ts";
import type { Model } from "./model.ts";
import type { TreesPredictor } from "./predictor.ts";

/** More levels than this are counted, not named. */
const namedLevels = 6;

/**
 * One tree of a model as lines of text, for people: a line a node with the condition that leads to it, what it answers
 * and its weight in training rows (of boosting: in hessians). `tree` counts from 0. Where the model is that tree alone
 * nodes show answers, else what they add to the raw score. Throws DEFINITION_INVALID where there is no such tree.
 */
export function drawTree(model: Model, tree = 0): string[] {
  const { predictor } = model;
  if (predictor.kind !== "trees" || predictor.treeOffsets[tree] === undefined)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "drawTree()",
      rule: "takes a model of trees and the number of one of them",
      actual: `${predictor.kind}, tree ${tree}`,
      remedy: "Learn with tree(), forest(), extraTrees() or boosting().",
    });
  const { drawn, answers } = drawnTrees(predictor, tree);
  const lines: string[] = [];
  const draw = (node: number, condition: string, indent: string, below: string): void => {
    const values = drawn.map((offset) => answers[offset - drawn[0]! + node]!);
    lines.push(`${indent}${condition}${answerOf(model, values)}  (${numberText(predictor.cover[node]!)} rows)`);
    if (predictor.feature[node]! < 0) return;
    const [left, right] = conditionsOf(model, predictor, node);
    draw(predictor.left[node]!, `${left}: `, `${below}├ `, `${below}│ `);
    draw(predictor.right[node]!, `${right}: `, `${below}└ `, `${below}  `);
  };
  draw(drawn[0]!, "", "", "");
  return lines;
}

/**
 * The roots that are drawn as one, and what every node answers by node number: leaves their value, splits the mean below
 * them. A model of one tree an output is that tree with all its outputs.
 */
function drawnTrees(
  predictor: TreesPredictor,
  tree: number,
): { readonly drawn: readonly number[]; readonly answers: Float64Array } {
  const { treeOffsets, treeOutput, outputs, base, feature, left, right, value, cover } = predictor;
  const isAlone = treeOffsets.length === outputs && treeOutput.every((output, t) => output === t);
  const answers = new Float64Array(feature.length);
  for (let t = treeOffsets.length - 1, end = feature.length; t >= 0; end = treeOffsets[t--]!) {
    const shift = isAlone ? base[treeOutput[t]!]! : 0;
    for (let node = end - 1; node >= treeOffsets[t]!; --node) {
      const [a, b] = [left[node]!, right[node]!];
      if (feature[node]! < 0) answers[node] = value[node]! + shift;
      else {
        const total = cover[a]! + cover[b]!;
        const share = total > 0 ? cover[a]! / total : 0.5;
        answers[node] = share * answers[a]! + (1 - share) * answers[b]!;
      }
    }
  }
  return { drawn: isAlone ? Array.from(treeOffsets) : [treeOffsets[tree]!], answers };
}

function answerOf({ labels, predictor }: Model, values: readonly number[]): string {
  if (predictor.link !== "share") return values.map(numberText).join(", ");
  const shares = values.length === 1 ? [1 - values[0]!, values[0]!] : values;
  if (shares.length !== labels.length) return values.map(numberText).join(", ");
  const likeliest = shares.indexOf(Math.max(...shares));
  return `${String(labels[likeliest])} ${(100 * shares[likeliest]!).toFixed(0)} %`;
}

/** What sends a row left, and right. */
function conditionsOf(model: Model, predictor: TreesPredictor, node: number): readonly [string, string] {
  const { dense, sparseNames } = layoutOf(model.features);
  const column = predictor.feature[node]!;
  const name = dense[column]?.name ?? sparseNames[column - dense.length]!;
  const missing = predictor.missingLeft[node] === 1 ? ([" or missing", ""] as const) : (["", " or missing"] as const);
  const set = predictor.categoryOffset[node]!;
  if (set < 0) {
    const limit = predictor.threshold[node]!;
    if (limit === Infinity) return [`${name} is there`, `${name} is missing`];
    return [`${name} <= ${numberText(limit)}${missing[0]}`, `${name} > ${numberText(limit)}${missing[1]}`];
  }
  const levels = levelsOf(model, dense[column]!.source);
  const goesLeft = (code: number): boolean => ((predictor.categorySets[set + (code >> 5)]! >>> (code & 31)) & 1) === 1;
  const side = (wanted: boolean): string => levelsText(levels.filter((_, code) => goesLeft(code) === wanted));
  return [`${name} in ${side(true)}${missing[0]}`, `${name} in ${side(false)}${missing[1]}`];
}

function levelsOf({ features }: Model, source: string): readonly string[] {
  for (const { feature, steps } of features)
    for (const step of steps) if (feature === source && step.kind === "codes") return step.levels;
  return [];
}

function levelsText(levels: readonly string[]): string {
  const named = levels.slice(0, namedLevels).join(", ");
  return levels.length > namedLevels ? `${named} and ${levels.length - namedLevels} more` : named;
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}
