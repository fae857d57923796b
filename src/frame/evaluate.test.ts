import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { log } from "../math/elementary.ts";
import type { ColumnData, Kind } from "./column.ts";
import { evaluateExpression, withExpressions } from "./evaluate.ts";
import { checkExpressionNode } from "./expression-check.ts";
import type { ExpressionNode } from "./expression-node.ts";
import { createFrame, takeRows, type Frame } from "./frame.ts";
import { compileExpressions } from "./program.ts";

type Value = number | string | boolean | null;
type Row = Readonly<Record<string, Value>>;

const kindOf: Readonly<Record<string, Kind>> = {
  a: "number",
  b: "number",
  t: "timestamp",
  u: "timestamp",
  k: "category",
  m: "category",
  s: "text",
  f: "boolean",
  g: "boolean",
};

const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);

/** The naive twin: one row, one node, JavaScript values, null for missing. */
function interpret(node: ExpressionNode, row: Row): Value {
  const operand = (name: "a" | "b"): Value => interpret((node as { a: ExpressionNode; b: ExpressionNode })[name], row);
  const both = (apply: (x: never, y: never) => Value): Value => {
    const x = operand("a");
    const y = operand("b");
    return x === null || y === null ? null : apply(x as never, y as never);
  };
  const one = (apply: (x: never) => Value): Value => {
    const x = operand("a");
    return x === null ? null : apply(x as never);
  };
  switch (node.op) {
    case "column":
      return row[node.name]!;
    case "number":
    case "level":
    case "boolean":
      return node.value;
    case "add":
      return both((x: number, y: number) => finite(x + y));
    case "sub":
      return both((x: number, y: number) => finite(x - y));
    case "mul":
      return both((x: number, y: number) => finite(x * y));
    case "div":
      return both((x: number, y: number) => finite(x / y));
    case "log":
      return one((x: number) => (x > 0 ? log(x) : null));
    case "sqrt":
      return one((x: number) => finite(Math.sqrt(x)));
    case "abs":
      return one((x: number) => Math.abs(x));
    case "floor":
      return one((x: number) => Math.floor(x));
    case "clip":
      return one((x: number) => (x < node.min ? node.min : Math.min(x, node.max)));
    case "fill":
      return operand("a") ?? node.value;
    case "gt":
      return both((x: number, y: number) => x > y);
    case "ge":
      return both((x: number, y: number) => x >= y);
    case "lt":
      return both((x: number, y: number) => x < y);
    case "le":
      return both((x: number, y: number) => x <= y);
    case "eq":
      return both((x: number, y: number) => x === y);
    case "bin":
      return one((x: number) => {
        const above = node.edges.findIndex((edge) => x < edge);
        if (above === 0) return `<${node.edges[0]}`;
        return above < 0 ? `>=${node.edges.at(-1)}` : `${node.edges[above - 1]}..${node.edges[above]}`;
      });
    case "hour":
      return one((x: number) => new Date(Math.floor(x)).getUTCHours());
    case "dayOfWeek":
      return one((x: number) => (new Date(Math.floor(x)).getUTCDay() + 6) % 7);
    case "month":
      return one((x: number) => new Date(Math.floor(x)).getUTCMonth() + 1);
    case "dayOfMonth":
      return one((x: number) => new Date(Math.floor(x)).getUTCDate());
    case "dayOfYear":
      return one((x: number) => {
        const date = new Date(Math.floor(x));
        const year = date.getUTCFullYear();
        const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
        // A year of the same length, because the earliest year starts before the first date there is.
        const like = isLeap ? 2000 : 2001;
        return (Date.UTC(like, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(like, 0)) / 86_400_000 + 1;
      });
    case "year":
      return one((x: number) => new Date(Math.floor(x)).getUTCFullYear());
    case "since": {
      const { b } = node;
      return one((x: number) => {
        const y = typeof b === "number" ? b : (interpret(b, row) as number | null);
        return y === null ? null : (x - y) / 3_600_000;
      });
    }
    case "length":
      return one((x: string) => x.length);
    case "words":
      return one((x: string) => x.match(/\S+/g)?.length ?? 0);
    case "lower":
      return one((x: string) => x.toLowerCase());
    case "contains":
      return one((x: string) => x.includes(node.part));
    case "and": {
      const values = [operand("a"), operand("b")];
      return values.includes(false) ? false : values.includes(null) ? null : true;
    }
    case "or": {
      const values = [operand("a"), operand("b")];
      return values.includes(true) ? true : values.includes(null) ? null : false;
    }
    case "not":
      return one((x: boolean) => !x);
    case "toNumber":
      return one((x: boolean) => (x ? 1 : 0));
    case "in":
      return one((x: string) => node.levels.includes(x));
    case "cross":
      return both((x: string, y: string) => `${x}|${y}`);
    case "isMissing":
      return operand("a") === null;
    case "when": {
      const condition = interpret(node.condition, row);
      return condition === null ? null : operand(condition === true ? "a" : "b");
    }
  }
}

function columnOfValues(kind: Kind, values: readonly Value[]): ColumnData {
  switch (kind) {
    case "number":
    case "timestamp":
      return { kind, values: Float64Array.from(values, (value) => (value as number | null) ?? NaN) };
    case "boolean":
      return { kind, values: Uint8Array.from(values, (value) => (value === null ? 255 : value === true ? 1 : 0)) };
    case "text":
      return { kind, values: values as readonly (string | null)[] };
    case "category": {
      const levels = [...new Set(values.filter((value) => value !== null))] as string[];
      const codes = Int32Array.from(values, (value) => (value === null ? -1 : levels.indexOf(value as string)));
      return { kind, codes, levels };
    }
  }
}

function valuesOf(column: ColumnData): Value[] {
  switch (column.kind) {
    case "number":
    case "timestamp":
      return Array.from(column.values, (value) => (Number.isNaN(value) ? null : value));
    case "boolean":
      return Array.from(column.values, (value) => (value === 255 ? null : value === 1));
    case "category":
      return Array.from(column.codes, (code) => (code < 0 ? null : column.levels[code]!));
    case "text":
      return [...column.values];
  }
}

const frameOf = (rows: readonly Row[]): Frame =>
  createFrame(
    rows.length,
    Object.entries(kindOf).map(
      ([name, kind]) =>
        [
          name,
          columnOfValues(
            kind,
            rows.map((row) => row[name]!),
          ),
        ] as const,
    ),
  );

const aNumber = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, 3, 1e308, -1e308, 5e-324, 2 ** 53),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -20, max: 20 }),
);
const aTime = fc.oneof(
  fc.constantFrom(0, -1, 8.64e15, -8.64e15, 951_782_400_000, 951_868_799_999, -62_167_219_200_000),
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
  fc.double({ min: -1e13, max: 1e13, noNaN: true }),
);
const aLevel = fc.constantFrom("x", "y", "x|y", "", "__proto__");
const aText = fc.oneof(
  fc.string(),
  fc.constantFrom(" Two\u00a0words ", "İ", "\ufeffa\tb\n", "tail "),
  fc.string({ unit: "binary" }),
);
const missingOr = <T extends Value>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 4 });
const aRow: fc.Arbitrary<Row> = fc.record({
  a: missingOr(aNumber),
  b: missingOr(aNumber),
  t: missingOr(aTime),
  u: missingOr(aTime),
  k: missingOr(aLevel),
  m: missingOr(aLevel),
  s: missingOr(aText),
  f: missingOr(fc.boolean()),
  g: missingOr(fc.boolean()),
});
const someRows = fc.array(aRow, { maxLength: 12 });

const constantNumber = aNumber.map((value) => (value === 0 ? 0 : value));
const column = (...names: string[]): fc.Arbitrary<ExpressionNode> =>
  fc.constantFrom(...names).map((name) => ({ op: "column", kind: kindOf[name]!, name }) as ExpressionNode);
const node = (parts: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<ExpressionNode> =>
  fc.record(parts) as fc.Arbitrary<unknown> as fc.Arbitrary<ExpressionNode>;
const is = fc.constant;

const expressions = fc.letrec<Record<Kind | "any", ExpressionNode>>((tie) => {
  const when = (kind: Kind): fc.Arbitrary<ExpressionNode> =>
    node({ op: is("when"), kind: is(kind), condition: tie("boolean"), a: tie(kind), b: tie(kind) });
  const pair = (kind: Kind, ops: string[], operand: Kind): fc.Arbitrary<ExpressionNode> =>
    node({ op: fc.constantFrom(...ops), kind: is(kind), a: tie(operand), b: tie(operand) });
  const single = (kind: Kind, ops: string[], operand: Kind | "any"): fc.Arbitrary<ExpressionNode> =>
    node({ op: fc.constantFrom(...ops), kind: is(kind), a: tie(operand) });
  const bounds = fc
    .tuple(constantNumber, constantNumber)
    .map(([x, y]) => ({ min: Math.min(x, y), max: Math.max(x, y) }));
  const edges = fc.uniqueArray(constantNumber, { minLength: 1, maxLength: 4 }).map((all) => all.sort((x, y) => x - y));
  const timeParts = ["hour", "dayOfWeek", "month", "dayOfMonth", "dayOfYear", "year"];
  return {
    number: fc.oneof(
      { maxDepth: 4 },
      column("a", "b"),
      node({ op: is("number"), kind: is("number"), value: constantNumber }),
      pair("number", ["add", "sub", "mul", "div"], "number"),
      single("number", ["log", "sqrt", "abs", "floor"], "number"),
      fc
        .tuple(tie("number"), bounds)
        .map(([a, { min, max }]): ExpressionNode => ({ op: "clip", kind: "number", a, min, max })),
      node({ op: is("fill"), kind: is("number"), a: tie("number"), value: constantNumber }),
      single("number", timeParts, "timestamp"),
      node({ op: is("since"), kind: is("number"), a: tie("timestamp"), b: fc.oneof(tie("timestamp"), aTime) }),
      single("number", ["length", "words"], "text"),
      single("number", ["toNumber"], "boolean"),
      when("number"),
    ),
    boolean: fc.oneof(
      { maxDepth: 4 },
      column("f", "g"),
      node({ op: is("boolean"), kind: is("boolean"), value: fc.boolean() }),
      pair("boolean", ["gt", "ge", "lt", "le", "eq"], "number"),
      pair("boolean", ["and", "or"], "boolean"),
      single("boolean", ["not"], "boolean"),
      single("boolean", ["isMissing"], "any"),
      node({ op: is("contains"), kind: is("boolean"), a: tie("text"), part: fc.constantFrom("", "a", "w") }),
      node({ op: is("in"), kind: is("boolean"), a: tie("category"), levels: fc.array(aLevel, { maxLength: 3 }) }),
      when("boolean"),
    ),
    category: fc.oneof(
      { maxDepth: 4 },
      column("k", "m"),
      node({ op: is("level"), kind: is("category"), value: aLevel }),
      node({ op: is("bin"), kind: is("category"), a: tie("number"), edges }),
      pair("category", ["cross"], "category"),
      when("category"),
    ),
    text: fc.oneof({ maxDepth: 4 }, column("s"), single("text", ["lower"], "text"), when("text")),
    timestamp: fc.oneof({ maxDepth: 4 }, column("t", "u"), when("timestamp")),
    any: fc.oneof(tie("number"), tie("boolean"), tie("category"), tie("text"), tie("timestamp")),
  };
});

describe("evaluateExpression", () => {
  it("computes what a row-by-row interpreter computes, bit for bit", () => {
    fc.assert(
      fc.property(expressions.any, someRows, (expression, rows) => {
        checkExpressionNode(expression);
        const actual = evaluateExpression(frameOf(rows), expression);
        expect(actual.kind).toBe(expression.kind);
        const expected = rows.map((row) => interpret(expression, row));
        expect(valuesOf(actual)).toStrictEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it("computes on a batch what it computes row by row, and levels are all different", () => {
    fc.assert(
      fc.property(expressions.any, someRows, (expression, rows) => {
        const frame = frameOf(rows);
        const batch = evaluateExpression(frame, expression);
        const single = rows.flatMap((_, row) =>
          valuesOf(evaluateExpression(takeRows(frame, Uint32Array.of(row)), expression)),
        );
        expect(single).toStrictEqual(valuesOf(batch));
        if (batch.kind === "category") expect(new Set(batch.levels).size).toBe(batch.levels.length);
      }),
      { numRuns: 300 },
    );
  });

  it("gives the parts of every day from 1899 to 2101 and around the ends of time", () => {
    const days: number[] = [];
    for (let day = -25_933; day <= 48_000; ++day) days.push(day);
    for (let day = 0; day < 800; ++day) days.push(-1e8 + day, 1e8 - day);
    const times = Float64Array.from(days, (day) => day * 86_400_000 + (day < 1e8 ? 43_200_000 : 0));
    const frame = createFrame(times.length, [["t", { kind: "timestamp", values: times }]]);
    const t: ExpressionNode = { op: "column", kind: "timestamp", name: "t" };
    for (const op of ["hour", "dayOfWeek", "month", "dayOfMonth", "dayOfYear", "year"] as const) {
      const expression: ExpressionNode = { op, kind: "number", a: t };
      const expected = Array.from(times, (time) => interpret(expression, { t: time }));
      const actual = valuesOf(evaluateExpression(frame, expression));
      expect(actual.filter((value, i) => value !== expected[i])).toStrictEqual([]);
    }
  });

  it("refuses a frame without the column, and one with another kind in its place", () => {
    const node: ExpressionNode = { op: "column", kind: "number", name: "area" };
    const frame = createFrame(1, [["aera", { kind: "text", values: ["x"] }]]);
    expect(() => evaluateExpression(frame, node)).toThrow(/no column "area"/);
    const texts = createFrame(1, [["area", { kind: "text", values: ["x"] }]]);
    expect(() => evaluateExpression(texts, node)).toThrow(/as number, but it is text/);
  });
});

describe("withExpressions", () => {
  const a: ExpressionNode = { op: "column", kind: "number", name: "a" };
  const b: ExpressionNode = { op: "column", kind: "number", name: "b" };
  const ratio = (): ExpressionNode => ({ op: "div", kind: "number", a: { ...a } as ExpressionNode, b });

  it("adds derived columns after the frame's own and spreads constants over all rows", () => {
    const frame = createFrame(2, [
      ["a", { kind: "number", values: Float64Array.of(6, 1) }],
      ["b", { kind: "number", values: Float64Array.of(3, 0) }],
    ]);
    const derived = withExpressions(frame, [
      { name: "ratio", expression: ratio() },
      { name: "one", expression: { op: "number", kind: "number", value: 1 } },
    ]);
    expect(derived.names).toStrictEqual(["a", "b", "ratio", "one"]);
    expect(derived.columns.map(valuesOf)).toStrictEqual([
      [6, 1],
      [3, 0],
      [2, null],
      [1, 1],
    ]);
    expect(derived.columns[0]).toBe(frame.columns[0]);
  });

  it("computes parts that expressions share once", () => {
    const log1: ExpressionNode = { op: "log", kind: "number", a: ratio() };
    const sum: ExpressionNode = { op: "add", kind: "number", a: ratio(), b: { op: "log", kind: "number", a: ratio() } };
    const { instructions } = compileExpressions([log1, sum, ratio()]);
    expect(instructions.map((instruction) => instruction.node.op)).toStrictEqual([
      "column",
      "column",
      "div",
      "log",
      "add",
    ]);
  });

  it("does not take different constants for equal ones", () => {
    const fill = (value: number): ExpressionNode => ({ op: "fill", kind: "number", a, value });
    const level: ExpressionNode = { op: "level", kind: "category", value: "1" };
    expect(compileExpressions([fill(1), fill(2), level]).instructions).toHaveLength(4);
  });
});
