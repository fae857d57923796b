import type { ColumnData } from "./column.ts";
import { operandsOf } from "./expression-check.ts";
import type { ExpressionNode } from "./expression-node.ts";

/** One operation of a program; its operands are positions of earlier instructions. */
export interface Instruction {
  readonly node: ExpressionNode;
  readonly operands: readonly number[];
  /** The value of a literal, as a column of one row. */
  readonly literal: ColumnData | undefined;
  /** Positions of results nothing after this instruction reads. */
  readonly releases: readonly number[];
}

/** Expressions as one list of instructions in which every common part stands once. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** For each expression the position of its result. */
  readonly outputs: readonly number[];
}

/** Compiles expressions: equal parts, wherever they stand, become one instruction. */
export function compileExpressions(expressions: readonly ExpressionNode[]): Program {
  const steps: { node: ExpressionNode; operands: readonly number[] }[] = [];
  const positionOfNode = new Map<ExpressionNode, number>();
  const positionOfKey = new Map<string, number>();
  const place = (node: ExpressionNode): number => {
    const placed = positionOfNode.get(node);
    if (placed !== undefined) return placed;
    const operands = operandsOf(node).map(place);
    const key = keyOf(node, operands);
    let position = positionOfKey.get(key);
    if (position === undefined) {
      position = steps.push({ node, operands }) - 1;
      positionOfKey.set(key, position);
    }
    positionOfNode.set(node, position);
    return position;
  };
  const outputs = expressions.map(place);
  return { instructions: withReleases(steps, new Set(outputs)), outputs };
}

/** Operation, kind, operands by position, and constants: equal keys compute equal results. */
function keyOf(node: ExpressionNode, operands: readonly number[]): string {
  const constants = Object.entries(node).filter(([, member]) => !isNode(member));
  constants.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([operands, constants]);
}

function isNode(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withReleases(
  steps: readonly { node: ExpressionNode; operands: readonly number[] }[],
  outputs: ReadonlySet<number>,
): readonly Instruction[] {
  const lastUse = new Map<number, number>();
  steps.forEach(({ operands }, position) => {
    for (const operand of operands) lastUse.set(operand, position);
  });
  return steps.map(({ node, operands }, position) => ({
    node,
    operands,
    literal: literalOf(node),
    releases: [...new Set(operands)].filter((operand) => lastUse.get(operand) === position && !outputs.has(operand)),
  }));
}

function literalOf(node: ExpressionNode): ColumnData | undefined {
  if (node.op === "number") return { kind: "number", values: Float64Array.of(node.value) };
  if (node.op === "level") return { kind: "category", codes: Int32Array.of(0), levels: [node.value] };
  if (node.op === "boolean") return { kind: "boolean", values: Uint8Array.of(node.value ? 1 : 0) };
  return undefined;
}
