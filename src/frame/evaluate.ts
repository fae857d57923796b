import { MillraceError } from "../core/errors/error.ts";
import type {
  BooleanColumnData,
  CategoryColumnData,
  ColumnData,
  NumberColumnData,
  TextColumnData,
  TimestampColumnData,
} from "./column.ts";
import type { ExpressionNode, FeatureExpression } from "./expression-node.ts";
import { columnOf, createFrame, type Frame } from "./frame.ts";
import {
  chosen,
  conjunction,
  crossed,
  disjunction,
  levelsAmong,
  missingFlags,
  negation,
  truthNumbers,
} from "./kernels/choices.ts";
import {
  absolute,
  arithmetic,
  binCodes,
  binLevels,
  clip,
  comparison,
  fill,
  logarithm,
  roundDown,
  squareRoot,
} from "./kernels/numbers.ts";
import { lowerCase, textLengths, textsContaining, wordCounts } from "./kernels/texts.ts";
import { hoursSince, hoursSinceInstant, timestampPart } from "./kernels/times.ts";
import { compileExpressions, type Program } from "./program.ts";

/** A result: a column (step 1), or a constant held once (step 0). */
interface Value {
  readonly data: ColumnData;
  readonly step: 0 | 1;
}

const programs = new WeakMap<object, Program>();

/** The column an expression computes from a frame; missing values propagate as ExpressionNode says. */
export function evaluateExpression(frame: Frame, node: ExpressionNode): ColumnData {
  const program = programFor(node, () => [node]);
  return evaluateProgram(frame, program)[0]!;
}

/** The frame with its derived columns added; parts that expressions share are computed once. */
export function withExpressions(frame: Frame, expressions: readonly FeatureExpression[]): Frame {
  if (expressions.length === 0) return frame;
  const program = programFor(expressions, () => expressions.map(({ expression }) => expression));
  const derived = evaluateProgram(frame, program);
  const entries = frame.names.map((name, i) => [name, frame.columns[i]!] as const);
  for (let i = 0; i < derived.length; ++i) entries.push([expressions[i]!.name, derived[i]!]);
  return createFrame(frame.nRows, entries);
}

function programFor(key: object, expressions: () => readonly ExpressionNode[]): Program {
  let program = programs.get(key);
  if (!program) programs.set(key, (program = compileExpressions(expressions())));
  return program;
}

function evaluateProgram(frame: Frame, program: Program): ColumnData[] {
  const { nRows } = frame;
  const values: (Value | undefined)[] = [];
  for (const { node, operands, literal, releases } of program.instructions) {
    values.push(
      literal
        ? { data: literal, step: 0 }
        : evaluateNode(
            frame,
            node,
            operands.map((position) => values[position]!),
          ),
    );
    for (const position of releases) values[position] = undefined;
  }
  return program.outputs.map((position) => spread(values[position]!, nRows));
}

function evaluateNode(frame: Frame, node: ExpressionNode, operands: readonly Value[]): Value {
  if (node.op === "column") return { data: readColumn(frame, node), step: 1 };
  const step = operands.some((operand) => operand.step === 1) ? 1 : 0;
  const n = step === 1 ? frame.nRows : 1;
  return { data: node.op === "when" ? choose(operands, n) : compute(node as Computed, operands, n), step };
}

function readColumn(frame: Frame, node: ExpressionNode & { op: "column" }): ColumnData {
  const column = columnOf(frame, node.name);
  if (column.kind === node.kind) return column;
  const reason = `an expression reads column "${node.name}" as ${node.kind}, but it is ${column.kind}`;
  throw new MillraceError("INTERNAL", { reason });
}

type Computed = Exclude<ExpressionNode, { op: "column" | "number" | "level" | "boolean" | "when" }>;

/** Applies one operation to `n` rows of its operands. The checked shape of the node vouches for the operands' kinds. */
function compute(node: Computed, operands: readonly Value[], n: number): ColumnData {
  const a = operands[0]!;
  switch (node.kind) {
    case "number":
      return { kind: "number", values: computeNumbers(node, operands, n) };
    case "boolean":
      return { kind: "boolean", values: computeTruths(node, operands, n) };
    case "text":
      return { kind: "text", values: lowerCase(texts(a)) };
    case "category": {
      if (node.op === "bin")
        return { kind: "category", codes: binCodes(numbers(a), node.edges), levels: binLevels(node.edges) };
      const b = operands[1]!;
      return crossed(a.data as CategoryColumnData, a.step, b.data as CategoryColumnData, b.step, n);
    }
  }
}

function computeNumbers(
  node: Extract<Computed, { kind: "number" }>,
  operands: readonly Value[],
  n: number,
): Float64Array {
  const a = operands[0]!;
  switch (node.op) {
    case "add":
    case "sub":
    case "mul":
    case "div":
      return arithmetic(node.op, numbers(a), a.step, numbers(operands[1]!), operands[1]!.step, n);
    case "log":
      return logarithm(numbers(a));
    case "sqrt":
      return squareRoot(numbers(a));
    case "abs":
      return absolute(numbers(a));
    case "floor":
      return roundDown(numbers(a));
    case "clip":
      return clip(numbers(a), node.min, node.max);
    case "fill":
      return fill(numbers(a), node.value);
    case "since": {
      const b = operands[1];
      if (b) return hoursSince(numbers(a), a.step, numbers(b), b.step, n);
      return hoursSinceInstant(numbers(a), node.b as number);
    }
    case "length":
      return textLengths(texts(a));
    case "words":
      return wordCounts(texts(a));
    case "toNumber":
      return truthNumbers(truths(a));
    default:
      return timestampPart(node.op, numbers(a));
  }
}

function computeTruths(
  node: Extract<Computed, { kind: "boolean" }>,
  operands: readonly Value[],
  n: number,
): Uint8Array {
  const a = operands[0]!;
  switch (node.op) {
    case "gt":
    case "ge":
    case "lt":
    case "le":
    case "eq":
      return comparison(node.op, numbers(a), a.step, numbers(operands[1]!), operands[1]!.step, n);
    case "and":
      return conjunction(truths(a), a.step, truths(operands[1]!), operands[1]!.step, n);
    case "or":
      return disjunction(truths(a), a.step, truths(operands[1]!), operands[1]!.step, n);
    case "not":
      return negation(truths(a));
    case "contains":
      return textsContaining(texts(a), node.part);
    case "in":
      return levelsAmong(a.data as CategoryColumnData, node.levels);
    case "isMissing":
      return missingFlags(a.data);
  }
}

function choose(operands: readonly Value[], n: number): ColumnData {
  const condition = operands[0]!;
  const a = operands[1]!;
  const b = operands[2]!;
  return chosen(
    {
      condition: truths(condition),
      conditionStep: condition.step,
      a: a.data,
      aStep: a.step,
      b: b.data,
      bStep: b.step,
    },
    n,
  );
}

function numbers(value: Value): Float64Array {
  return (value.data as NumberColumnData | TimestampColumnData).values;
}

function truths(value: Value): Uint8Array {
  return (value.data as BooleanColumnData).values;
}

function texts(value: Value): TextColumnData["values"] {
  return (value.data as TextColumnData).values;
}

/** A constant as a column of `nRows` rows. */
function spread({ data, step }: Value, nRows: number): ColumnData {
  if (step === 1) return data;
  switch (data.kind) {
    case "number":
    case "timestamp":
      return { kind: data.kind, values: new Float64Array(nRows).fill(data.values[0]!) };
    case "boolean":
      return { kind: "boolean", values: new Uint8Array(nRows).fill(data.values[0]!) };
    case "category":
      return { kind: "category", codes: new Int32Array(nRows).fill(data.codes[0]!), levels: data.levels };
    case "text":
      return { kind: "text", values: Array.from({ length: nRows }, () => data.values[0]!) };
  }
}
