import type { ExpressionNode } from "../../frame/expression-node.ts";
import { numbersOf } from "./numbers.ts";
import { timePart } from "./times.ts";
import { type Operand, type Scope, unsupported } from "./scope.ts";

const hourMs = 3_600_000;

/** An expression in operators of ONNX, as frame/evaluate.ts computes it. Throws EXPORT_UNSUPPORTED for what has none. */
export function expressionOperand(scope: Scope, node: ExpressionNode): Operand {
  if (node.op === "column") return scope.column(node.name);
  return { name: resultOf(scope, node), kind: node.kind };
}

function resultOf(scope: Scope, node: ExpressionNode): string {
  const { graph } = scope;
  const numbers = numbersOf(graph);
  const { constant, where, isMissing, ofTruth, equals } = numbers;
  const read = (operand: ExpressionNode): string => expressionOperand(scope, operand).name;
  const missing = constant(Number.NaN);
  switch (node.op) {
    case "number":
      return constant(node.value);
    case "boolean":
      return constant(node.value ? 1 : 0);
    case "add":
    case "sub":
    case "mul":
    case "div": {
      const operator = { add: "Add", sub: "Sub", mul: "Mul", div: "Div" }[node.op];
      const result = graph.node(operator, [read(node.a), read(node.b)]);
      // What is no finite number is missing.
      return where(equals(graph.node("Sub", [result, result]), 0), result, missing);
    }
    case "log": {
      const a = read(node.a);
      return where(graph.node("Greater", [a, constant(0)]), graph.node("Log", [a]), missing);
    }
    case "sqrt":
      return graph.node("Sqrt", [read(node.a)]);
    case "abs":
      return graph.node("Abs", [read(node.a)]);
    case "floor":
      return graph.node("Floor", [read(node.a)]);
    case "clip":
      return heldWithin(scope, read(node.a), node.min, node.max);
    case "fill": {
      const a = read(node.a);
      return where(isMissing(a), constant(node.value), a);
    }
    case "gt":
    case "ge":
    case "lt":
    case "le":
    case "eq":
      return comparison(scope, node);
    case "and": {
      const [a, b] = [read(node.a), read(node.b)];
      const isFalse = graph.node("Or", [equals(a, 0), equals(b, 0)]);
      return where(isFalse, constant(0), graph.node("Mul", [a, b]));
    }
    case "or": {
      const [a, b] = [read(node.a), read(node.b)];
      const isTrue = graph.node("Or", [equals(a, 1), equals(b, 1)]);
      return where(isTrue, constant(1), graph.node("Add", [a, b]));
    }
    case "not":
      return graph.node("Sub", [constant(1), read(node.a)]);
    case "toNumber":
      return read(node.a);
    case "isMissing": {
      const { name, kind } = expressionOperand(scope, node.a);
      return ofTruth(kind === "category" ? isNoLevel(scope, name) : isMissing(name));
    }
    case "in": {
      const { name, kind } = expressionOperand(scope, node.a);
      if (kind !== "category" || node.levels.length === 0) break;
      const codes = levelCodes(scope, name, node.levels);
      const isIn = graph.node("GreaterOrEqual", [codes, constant(0)]);
      return where(isNoLevel(scope, name), missing, ofTruth(isIn));
    }
    case "when": {
      const condition = read(node.condition);
      if (node.kind === "category" || node.kind === "text") break;
      const chosen = where(equals(condition, 1), read(node.a), read(node.b));
      return where(isMissing(condition), missing, chosen);
    }
    case "hour":
    case "dayOfWeek":
    case "month":
    case "dayOfMonth":
    case "dayOfYear":
    case "year":
      return timePart(scope, read(node.a), node.op);
    case "since": {
      const b = typeof node.b === "number" ? constant(node.b) : read(node.b);
      return graph.node("Div", [graph.node("Sub", [read(node.a), b]), constant(hourMs)]);
    }
  }
  throw unsupported(scope.model, `a feature computes ${node.op}`);
}

/** A comparison of numbers; with a missing one it is missing. */
function comparison(scope: Scope, node: Extract<ExpressionNode, { op: "gt" | "ge" | "lt" | "le" | "eq" }>): string {
  const { graph } = scope;
  const { where, constant, isMissing, ofTruth } = numbersOf(graph);
  const [a, b] = [expressionOperand(scope, node.a).name, expressionOperand(scope, node.b).name];
  const operator = { gt: "Greater", ge: "GreaterOrEqual", lt: "Less", le: "LessOrEqual", eq: "Equal" }[node.op];
  const isUnknown = graph.node("Or", [isMissing(a), isMissing(b)]);
  return where(isUnknown, constant(Number.NaN), ofTruth(graph.node(operator, [a, b])));
}

/** Numbers held between bounds; a missing one stays missing, as no comparison with it is true. */
export function heldWithin({ graph }: Scope, a: string, low: number, high: number): string {
  const { where, constant } = numbersOf(graph);
  const [least, most] = [constant(low), constant(high)];
  const above = where(graph.node("Greater", [a, most]), most, a);
  return where(graph.node("Less", [a, least]), least, above);
}

export function isNoLevel({ graph }: Scope, category: string): string {
  return graph.node("Equal", [category, graph.constant({ type: "string", dims: [1, 1], values: [""] })]);
}

/** The position of each level as a double; -1 where missing or another. */
export function levelCodes({ graph, model }: Scope, category: string, levels: readonly string[]): string {
  if (levels.includes("")) throw unsupported(model, 'a level is the empty text, which stands for "missing"');
  const attributes = { keys_strings: levels, values_int64s: levels.map((_, code) => code), default_int64: -1 };
  return graph.node("Cast", [graph.node("LabelEncoder", [category], attributes)], { to: 11 });
}
