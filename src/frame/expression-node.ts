import type { Kind } from "./column.ts";

/**
 * An expression as frozen plain data: it is stored in the model, so that a model needs no user code to predict.
 * `kind` is the kind of its result. Missing propagates: an operation on a missing operand is missing, unless its
 * comment says otherwise. Division by zero, logarithms of nothing and roots of negative numbers are missing, as is every
 * result that is no finite number.
 */
export type ExpressionNode =
  | { readonly op: "column"; readonly kind: Kind; readonly name: string }
  | { readonly op: "number"; readonly kind: "number"; readonly value: number }
  | { readonly op: "level"; readonly kind: "category"; readonly value: string }
  | { readonly op: "boolean"; readonly kind: "boolean"; readonly value: boolean }
  | {
      readonly op: "add" | "sub" | "mul" | "div";
      readonly kind: "number";
      readonly a: ExpressionNode;
      readonly b: ExpressionNode;
    }
  | { readonly op: "log" | "sqrt" | "abs" | "floor"; readonly kind: "number"; readonly a: ExpressionNode }
  | {
      readonly op: "clip";
      readonly kind: "number";
      readonly a: ExpressionNode;
      readonly min: number;
      readonly max: number;
    }
  /** Never missing: `value` stands where `a` is missing. */
  | { readonly op: "fill"; readonly kind: "number"; readonly a: ExpressionNode; readonly value: number }
  | {
      readonly op: "gt" | "ge" | "lt" | "le" | "eq";
      readonly kind: "boolean";
      readonly a: ExpressionNode;
      readonly b: ExpressionNode;
    }
  /** Half-open bins of ascending edges, named "<e0", "e0..e1", ..., ">=eN". */
  | { readonly op: "bin"; readonly kind: "category"; readonly a: ExpressionNode; readonly edges: readonly number[] }
  /** Parts of a UTC time: hour 0-23, dayOfWeek 0 (Monday) to 6, month 1-12, dayOfMonth 1-31, dayOfYear 1-366. */
  | {
      readonly op: "hour" | "dayOfWeek" | "month" | "dayOfMonth" | "dayOfYear" | "year";
      readonly kind: "number";
      readonly a: ExpressionNode;
    }
  /** Hours from `b` to `a`; `b` is a timestamp expression or a constant in UTC milliseconds. */
  | { readonly op: "since"; readonly kind: "number"; readonly a: ExpressionNode; readonly b: ExpressionNode | number }
  /** UTF-16 code units; whitespace-separated words. */
  | { readonly op: "length" | "words"; readonly kind: "number"; readonly a: ExpressionNode }
  | { readonly op: "lower"; readonly kind: "text"; readonly a: ExpressionNode }
  | { readonly op: "contains"; readonly kind: "boolean"; readonly a: ExpressionNode; readonly part: string }
  /** Kleene logic: false and missing = false, true or missing = true. */
  | { readonly op: "and" | "or"; readonly kind: "boolean"; readonly a: ExpressionNode; readonly b: ExpressionNode }
  | { readonly op: "not"; readonly kind: "boolean"; readonly a: ExpressionNode }
  | { readonly op: "toNumber"; readonly kind: "number"; readonly a: ExpressionNode }
  | { readonly op: "in"; readonly kind: "boolean"; readonly a: ExpressionNode; readonly levels: readonly string[] }
  /** Levels joined by "|". */
  | { readonly op: "cross"; readonly kind: "category"; readonly a: ExpressionNode; readonly b: ExpressionNode }
  /** Never missing. */
  | { readonly op: "isMissing"; readonly kind: "boolean"; readonly a: ExpressionNode }
  /** `a` where the condition is true, `b` where it is false, missing where it is missing. */
  | {
      readonly op: "when";
      readonly kind: Kind;
      readonly condition: ExpressionNode;
      readonly a: ExpressionNode;
      readonly b: ExpressionNode;
    };

/** A derived feature: its name and how it is computed from the contract's columns. */
export interface FeatureExpression {
  readonly name: string;
  readonly expression: ExpressionNode;
}
