import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateExpression, withExpressions } from "./evaluate.ts";
import { checkExpressionNode } from "./expression-check.ts";
import type { ExpressionNode } from "./expression-node.ts";
import { expressions, frameOf, interpret, someRows, valuesOf } from "../../test/frame/expressions.ts";
import { createFrame, takeRows } from "./frame.ts";
import { compileExpressions } from "./program.ts";

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
