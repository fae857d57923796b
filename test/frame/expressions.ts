import * as fc from "fast-check";
import { log } from "../../src/math/elementary.ts";
import type { ColumnData, Kind } from "../../src/frame/column.ts";
import type { ExpressionNode } from "../../src/frame/expression-node.ts";
import { createFrame, type Frame } from "../../src/frame/frame.ts";

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
export function interpret(node: ExpressionNode, row: Row): Value {
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

export function valuesOf(column: ColumnData): Value[] {
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

export const frameOf = (rows: readonly Row[]): Frame =>
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
export const someRows = fc.array(aRow, { maxLength: 12 });

const constantNumber = aNumber.map((value) => (value === 0 ? 0 : value));
const column = (...names: string[]): fc.Arbitrary<ExpressionNode> =>
  fc.constantFrom(...names).map((name) => ({ op: "column", kind: kindOf[name]!, name }) as ExpressionNode);
const node = (parts: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<ExpressionNode> =>
  fc.record(parts) as fc.Arbitrary<unknown> as fc.Arbitrary<ExpressionNode>;
const is = fc.constant;

export const expressions = fc.letrec<Record<Kind | "any", ExpressionNode>>((tie) => {
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
