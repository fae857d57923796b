import type { Kind } from "./column.ts";
import type { ExpressionNode } from "./expression-node.ts";
import type { DeclaredColumn, LevelsOf, Schema } from "./schema.ts";

/** What every expression can do. `node` is the expression as plain data, as it is stored in the model. */
export interface Expression<K extends Kind> {
  readonly kind: K;
  readonly node: ExpressionNode;
  /** True where the value is missing; itself never missing. */
  isMissing(): BooleanExpr;
}

/** An expression of numbers. A missing operand makes a missing result; so do results that are no finite number (x / 0). */
export interface NumberExpr extends Expression<"number"> {
  add(x: number | NumberExpr): NumberExpr;
  sub(x: number | NumberExpr): NumberExpr;
  mul(x: number | NumberExpr): NumberExpr;
  div(x: number | NumberExpr): NumberExpr;
  /** Natural logarithm; missing for numbers that are not above 0. */
  log(): NumberExpr;
  sqrt(): NumberExpr;
  abs(): NumberExpr;
  /** The largest whole number that is not above. */
  floor(): NumberExpr;
  clip(min: number, max: number): NumberExpr;
  /** `value` where the number is missing. */
  fill(value: number): NumberExpr;
  gt(x: number | NumberExpr): BooleanExpr;
  ge(x: number | NumberExpr): BooleanExpr;
  lt(x: number | NumberExpr): BooleanExpr;
  le(x: number | NumberExpr): BooleanExpr;
  eq(x: number | NumberExpr): BooleanExpr;
  /** The half-open bin between ascending edges, as a category: "<e0", "e0..e1", ..., ">=eN". */
  bin(edges: readonly number[]): CategoryExpr<string>;
}

/** An expression of instants; parts are of the time in UTC. */
export interface TimestampExpr extends Expression<"timestamp"> {
  /** 0 to 23. */
  hour(): NumberExpr;
  /** 0 (Monday) to 6 (Sunday). */
  dayOfWeek(): NumberExpr;
  /** 1 to 31. */
  dayOfMonth(): NumberExpr;
  /** 1 to 366. */
  dayOfYear(): NumberExpr;
  /** 1 to 12. */
  month(): NumberExpr;
  year(): NumberExpr;
  /** Hours passed since `x`, an expression or an ISO 8601 text. */
  since(x: TimestampExpr | string): NumberExpr;
}

/** An expression of texts. */
export interface TextExpr extends Expression<"text"> {
  /** Number of UTF-16 code units. */
  length(): NumberExpr;
  /** Number of words between white space. */
  words(): NumberExpr;
  lower(): TextExpr;
  contains(part: string): BooleanExpr;
}

/** An expression of truth values; `and` and `or` follow Kleene: false and missing is false, true or missing is true. */
export interface BooleanExpr extends Expression<"boolean"> {
  and(x: BooleanExpr): BooleanExpr;
  or(x: BooleanExpr): BooleanExpr;
  not(): BooleanExpr;
  /** 1 for true, 0 for false. */
  toNumber(): NumberExpr;
}

/** An expression of names. */
export interface CategoryExpr<L extends string> extends Expression<"category"> {
  in(levels: readonly L[]): BooleanExpr;
  is(level: L): BooleanExpr;
  /** The pair of both names, joined by "|". */
  cross<R extends string>(x: CategoryExpr<R>): CategoryExpr<`${L}|${R}`>;
}

export type Expr = NumberExpr | TimestampExpr | TextExpr | BooleanExpr | CategoryExpr<string>;

/** Derived features by name. */
export type Features = Readonly<Record<string, Expr>>;

interface ExprByKind<C> {
  number: NumberExpr;
  text: TextExpr;
  boolean: BooleanExpr;
  timestamp: TimestampExpr;
  category: CategoryExpr<LevelsOf<C>>;
}

/** The columns `features` may read: every column but the target and the weight. Helpers take it as a parameter type. */
export type ColumnsOf<S extends Schema, T extends PropertyKey = never> = {
  readonly [K in Exclude<keyof S, T>]: ExprOf<S[K]>;
};
type ExprOf<C extends DeclaredColumn> = ExprByKind<C>[C["kind"]];

/** What a branch of `when` may be. */
export type Operand = number | string | boolean | Expr;
type KindOfOperand<V> = V extends number
  ? "number"
  : V extends string
    ? "category"
    : V extends boolean
      ? "boolean"
      : V extends Expr
        ? V["kind"]
        : never;
interface OperandByKind {
  number: number | NumberExpr;
  category: string | CategoryExpr<string>;
  boolean: boolean | BooleanExpr;
  text: TextExpr;
  timestamp: TimestampExpr;
}
type ExprOfOperand<V> = V extends number
  ? NumberExpr
  : V extends string
    ? CategoryExpr<V>
    : V extends boolean
      ? BooleanExpr
      : V;
type ResultExpr<A, B> =
  ExprOfOperand<A> extends CategoryExpr<infer L>
    ? CategoryExpr<L | (ExprOfOperand<B> extends CategoryExpr<infer R> ? R : never)>
    : ExprOfOperand<A>;

/** A choice without its second branch, as `when` returns it. */
export interface When<A extends Operand> {
  /** `value` where the condition is false; it must have the kind of the first branch. */
  else<B extends OperandByKind[KindOfOperand<A>]>(value: B): ResultExpr<A, B>;
}
