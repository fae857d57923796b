import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Kind } from "./column.ts";
import type { ContractColumn } from "./contract.ts";
import { invalidDefinition, showValue } from "./definition-fault.ts";
import { checkExpressionNode, freezeNode } from "./expression-check.ts";
import type { ExpressionNode } from "./expression-node.ts";
import type {
  BooleanExpr,
  CategoryExpr,
  Expr,
  Expression,
  NumberExpr,
  Operand,
  TextExpr,
  TimestampExpr,
  When,
} from "./expression-types.ts";
import { parseTimestamp } from "./timestamp.ts";

class Builder<K extends Kind> implements Expression<K> {
  readonly kind: K;
  readonly node: ExpressionNode;
  constructor(kind: K, node: ExpressionNode) {
    this.kind = kind;
    this.node = freezeNode(node);
    Object.freeze(this);
  }
  isMissing(): BooleanExpr {
    return new BooleanBuilder("boolean", { op: "isMissing", kind: "boolean", a: this.node });
  }
}

class NumberBuilder extends Builder<"number"> implements NumberExpr {
  add(x: number | NumberExpr): NumberExpr {
    return this.#arithmetic("add", x);
  }
  sub(x: number | NumberExpr): NumberExpr {
    return this.#arithmetic("sub", x);
  }
  mul(x: number | NumberExpr): NumberExpr {
    return this.#arithmetic("mul", x);
  }
  div(x: number | NumberExpr): NumberExpr {
    return this.#arithmetic("div", x);
  }
  log(): NumberExpr {
    return numberOf({ op: "log", kind: "number", a: this.node });
  }
  sqrt(): NumberExpr {
    return numberOf({ op: "sqrt", kind: "number", a: this.node });
  }
  abs(): NumberExpr {
    return numberOf({ op: "abs", kind: "number", a: this.node });
  }
  floor(): NumberExpr {
    return numberOf({ op: "floor", kind: "number", a: this.node });
  }
  clip(min: number, max: number): NumberExpr {
    return numberOf({ op: "clip", kind: "number", a: this.node, min: constant(min), max: constant(max) });
  }
  fill(value: number): NumberExpr {
    return numberOf({ op: "fill", kind: "number", a: this.node, value: constant(value) });
  }
  gt(x: number | NumberExpr): BooleanExpr {
    return this.#comparison("gt", x);
  }
  ge(x: number | NumberExpr): BooleanExpr {
    return this.#comparison("ge", x);
  }
  lt(x: number | NumberExpr): BooleanExpr {
    return this.#comparison("lt", x);
  }
  le(x: number | NumberExpr): BooleanExpr {
    return this.#comparison("le", x);
  }
  eq(x: number | NumberExpr): BooleanExpr {
    return this.#comparison("eq", x);
  }
  bin(edges: readonly number[]): CategoryExpr<string> {
    const kept = Array.isArray(edges) ? edges.map(constant) : edges;
    return new CategoryBuilder("category", { op: "bin", kind: "category", a: this.node, edges: kept });
  }
  #arithmetic(op: "add" | "sub" | "mul" | "div", x: number | NumberExpr): NumberExpr {
    return numberOf({ op, kind: "number", a: this.node, b: operandNode(x, "number", op) });
  }
  #comparison(op: "gt" | "ge" | "lt" | "le" | "eq", x: number | NumberExpr): BooleanExpr {
    return booleanOf({ op, kind: "boolean", a: this.node, b: operandNode(x, "number", op) });
  }
}

class TimestampBuilder extends Builder<"timestamp"> implements TimestampExpr {
  hour(): NumberExpr {
    return numberOf({ op: "hour", kind: "number", a: this.node });
  }
  dayOfWeek(): NumberExpr {
    return numberOf({ op: "dayOfWeek", kind: "number", a: this.node });
  }
  dayOfMonth(): NumberExpr {
    return numberOf({ op: "dayOfMonth", kind: "number", a: this.node });
  }
  dayOfYear(): NumberExpr {
    return numberOf({ op: "dayOfYear", kind: "number", a: this.node });
  }
  month(): NumberExpr {
    return numberOf({ op: "month", kind: "number", a: this.node });
  }
  year(): NumberExpr {
    return numberOf({ op: "year", kind: "number", a: this.node });
  }
  since(x: TimestampExpr | string): NumberExpr {
    const b = typeof x === "string" ? parseTimestamp(x) : operandNode(x, "timestamp", "since");
    if (Number.isNaN(b)) throw invalidDefinition("since()", "takes an ISO 8601 text such as 2024-01-31", showValue(x));
    return numberOf({ op: "since", kind: "number", a: this.node, b });
  }
}

class TextBuilder extends Builder<"text"> implements TextExpr {
  length(): NumberExpr {
    return numberOf({ op: "length", kind: "number", a: this.node });
  }
  words(): NumberExpr {
    return numberOf({ op: "words", kind: "number", a: this.node });
  }
  lower(): TextExpr {
    return new TextBuilder("text", { op: "lower", kind: "text", a: this.node });
  }
  contains(part: string): BooleanExpr {
    return booleanOf({ op: "contains", kind: "boolean", a: this.node, part });
  }
}

class BooleanBuilder extends Builder<"boolean"> implements BooleanExpr {
  and(x: BooleanExpr): BooleanExpr {
    return booleanOf({ op: "and", kind: "boolean", a: this.node, b: operandNode(x, "boolean", "and") });
  }
  or(x: BooleanExpr): BooleanExpr {
    return booleanOf({ op: "or", kind: "boolean", a: this.node, b: operandNode(x, "boolean", "or") });
  }
  not(): BooleanExpr {
    return booleanOf({ op: "not", kind: "boolean", a: this.node });
  }
  toNumber(): NumberExpr {
    return numberOf({ op: "toNumber", kind: "number", a: this.node });
  }
}

class CategoryBuilder<L extends string> extends Builder<"category"> implements CategoryExpr<L> {
  in(levels: readonly L[]): BooleanExpr {
    const kept = Array.isArray(levels) ? [...new Set(levels)] : levels;
    return booleanOf({ op: "in", kind: "boolean", a: this.node, levels: kept });
  }
  is(level: L): BooleanExpr {
    return booleanOf({ op: "in", kind: "boolean", a: this.node, levels: [level] });
  }
  cross<R extends string>(x: CategoryExpr<R>): CategoryExpr<`${L}|${R}`> {
    const b = operandNode(x, "category", "cross");
    return new CategoryBuilder("category", { op: "cross", kind: "category", a: this.node, b });
  }
}

/** JSON has no negative zero: an expression must mean the same before and after it was stored. */
function constant(value: number): number {
  return value === 0 ? 0 : value;
}

function numberOf(node: ExpressionNode): NumberExpr {
  return new NumberBuilder("number", node);
}

function booleanOf(node: ExpressionNode): BooleanExpr {
  return new BooleanBuilder("boolean", node);
}

function builderOf(node: ExpressionNode): Expr {
  switch (node.kind) {
    case "number":
      return new NumberBuilder("number", node);
    case "timestamp":
      return new TimestampBuilder("timestamp", node);
    case "text":
      return new TextBuilder("text", node);
    case "boolean":
      return new BooleanBuilder("boolean", node);
    case "category":
      return new CategoryBuilder<string>("category", node);
  }
}

function isExpression(value: unknown): value is Expr {
  return typeof value === "object" && value !== null && "node" in value && "isMissing" in value;
}

function literalNode(value: unknown): ExpressionNode | undefined {
  if (typeof value === "number") return freezeNode({ op: "number", kind: "number", value: constant(value) });
  if (typeof value === "string") return freezeNode({ op: "level", kind: "category", value });
  if (typeof value === "boolean") return freezeNode({ op: "boolean", kind: "boolean", value });
  return isExpression(value) ? toNode(value) : undefined;
}

function operandNode(value: unknown, kind: Kind, subject: string): ExpressionNode {
  const node = literalNode(value);
  if (node?.kind === kind) return node;
  const actual = node ? `a ${node.kind}` : showValue(value);
  throw invalidDefinition(`${subject}()`, `needs an operand of kind ${kind}`, actual);
}

/** `value` where `condition` is true; go on with `.else(other)`. Where the condition is missing, so is the result. */
export function when<A extends Operand>(condition: BooleanExpr, value: A): When<A> {
  const conditionNode = operandNode(condition, "boolean", "when");
  const a = literalNode(value);
  if (!a) throw invalidDefinition("when()", "takes a number, a text, a boolean or an expression", showValue(value));
  const choice = {
    else: (other: unknown) => {
      const b = operandNode(other, a.kind, "else");
      return builderOf({ op: "when", kind: a.kind, condition: conditionNode, a, b });
    },
  };
  return Object.freeze(choice) as unknown as When<A>;
}

/** The plain data of an expression; throws DEFINITION_INVALID for anything no builder made. */
export function toNode(expression: Expr): ExpressionNode {
  if (!isExpression(expression))
    throw invalidDefinition("a feature", "must be an expression made from c", showValue(expression));
  return checkExpressionNode(expression.node);
}

/**
 * The object `c` of `features`: one expression a column, without a prototype. Reading a column it does not have throws
 * COLUMN_MISSING with the nearest name.
 */
export function columnExpressions(columns: readonly ContractColumn[]): Readonly<Record<string, Expr>> {
  const held: Record<string, Expr> = Object.create(null) as Record<string, Expr>;
  const names = columns.map((column) => column.name);
  for (const { name, kind } of columns) held[name] = builderOf({ op: "column", kind, name });
  return new Proxy(Object.freeze(held), {
    get(target, name) {
      if (typeof name === "symbol") return undefined;
      if (Object.hasOwn(target, name)) return target[name];
      throw new MillraceError("COLUMN_MISSING", {
        name,
        subject: "features(c)",
        found: names,
        nearest: nearestName(name, names),
      });
    },
  });
}
