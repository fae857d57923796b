import { describe, expect, it } from "vitest";
import { evaluateExpression } from "./evaluate.ts";
import { checkColumnsRead, checkExpressionNode, columnsRead } from "./expression-check.ts";
import type { ExpressionNode } from "./expression-node.ts";
import { columnExpressions, toNode, when } from "./expression.ts";
import type { ColumnsOf, NumberExpr } from "./expression-types.ts";
import { createFrame } from "./frame.ts";
import { boolean, category, contractOf, number, text, timestamp } from "./schema.ts";

const schema = {
  area: number(),
  rooms: number(),
  city: category(["a", "b"]),
  note: text(),
  flag: boolean(),
  sold: timestamp(),
  ["__proto__"]: number(),
};
const { columns } = contractOf(schema);
const c = columnExpressions(columns) as unknown as ColumnsOf<typeof schema>;

describe("expressions", () => {
  it("are frozen plain data that JSON keeps", () => {
    const expression = when(c.area.div(c.rooms).gt(3).and(c.note.contains("x")), "big").else(c.city);
    const node = toNode(expression);
    expect(JSON.parse(JSON.stringify(node))).toStrictEqual(node);
    expect(Object.isFrozen(expression)).toBe(true);
    expect(Object.isFrozen(node)).toBe(true);
    expect(Object.isFrozen((node as { a: object }).a)).toBe(true);
  });

  it("hold no negative zero, which JSON would lose", () => {
    const frame = createFrame(1, [["area", { kind: "number", values: Float64Array.of(NaN) }]]);
    const column = evaluateExpression(frame, toNode(c.area.fill(-0)));
    expect(column.kind === "number" && Object.is(column.values[0], 0)).toBe(true);
  });

  it("cannot be changed through the lists they were given", () => {
    const edges = [1, 2];
    const bin = c.area.bin(edges);
    edges.push(0);
    expect(toNode(bin)).toMatchObject({ edges: [1, 2] });
  });

  it("read a column called __proto__ like any other", () => {
    expect(toNode(c["__proto__"])).toStrictEqual({ op: "column", kind: "number", name: "__proto__" });
    expect(Object.getPrototypeOf(c)).toBe(null);
  });

  it("are no thenables", async () => {
    const choice = when(c.flag, 1);
    expect(await Promise.resolve(choice)).toBe(choice);
  });

  it("name the nearest column for one that does not exist", () => {
    expect(() => (c as unknown as Record<string, unknown>)["aera"]).toThrow(
      expect.objectContaining({ code: "COLUMN_MISSING", remedy: 'Did you mean "area"?' }),
    );
    expect(() => (c as unknown as Record<string, unknown>)["toString"]).toThrow(/has no column "toString"/);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["an operand of another kind", () => c.area.add(c.note as never), /needs an operand of kind number, got a text/],
    ["an operand that is nothing", () => c.area.add(undefined as never), /needs an operand of kind number/],
    ["NaN", () => c.area.add(NaN), /unusable value, got NaN/],
    ["a clip whose bounds are exchanged", () => c.area.clip(2, 1), /min at most max/],
    ["edges that do not ascend", () => c.area.bin([1, 1]), /unusable edges/],
    ["no edges", () => c.area.bin([]), /unusable edges/],
    ["a time that is none", () => c.sold.since("yesterday"), /takes an ISO 8601 text/],
    ["a condition that is no boolean", () => when(c.area as never, 1), /needs an operand of kind boolean/],
    ["branches of two kinds", () => when(c.flag, 1).else("x" as never), /needs an operand of kind number/],
    ["levels that are no texts", () => c.city.in([1] as never), /unusable levels/],
  ])("refuse %s", (_, build, message) => {
    expect(build).toThrow(message);
  });

  it("refuse to grow beyond any use, without taking long to say so", () => {
    let doubled: NumberExpr = c.area;
    const grow = (): void => {
      for (let i = 0; i < 64; ++i) doubled = doubled.mul(doubled);
    };
    expect(grow).toThrow(/at most 10000 operations/);
    let deep: NumberExpr = c.area;
    const deepen = (): void => {
      for (let i = 0; i < 2000; ++i) deep = deep.abs();
    };
    expect(deepen).toThrow(/a depth of/);
  });
});

describe("checkExpressionNode", () => {
  it.each<[string, unknown]>([
    ["nothing", null],
    ["an unknown operation", { op: "eval", kind: "number" }],
    ["an inherited operation", { op: "constructor", kind: "number" }],
    ["a missing operand", { op: "log", kind: "number" }],
    ["a wrong result kind", { op: "column", kind: "nothing", name: "a" }],
    ["an operand of a wrong kind", { op: "log", kind: "number", a: { op: "column", kind: "text", name: "a" } }],
    ["a constant of a wrong type", { op: "number", kind: "number", value: "1" }],
  ])("refuses %s", (_, node) => {
    expect(() => checkExpressionNode(node)).toThrow(expect.objectContaining({ code: "DEFINITION_INVALID" }));
  });

  it("refuses a node without end", () => {
    const node: { op: string; kind: string; a?: unknown } = { op: "abs", kind: "number" };
    node.a = node;
    expect(() => checkExpressionNode(node)).toThrow(/depth/);
  });
});

describe("columnsRead", () => {
  it("lists each column once, in order of appearance", () => {
    expect(columnsRead(toNode(c.area.div(c.rooms).add(c.area)))).toStrictEqual(["area", "rooms"]);
  });

  it("lets a check find columns a contract does not have", () => {
    const foreign: ExpressionNode = { op: "column", kind: "number", name: "price" };
    expect(() => checkColumnsRead(foreign, columns)).toThrow(/price/);
    expect(() => checkColumnsRead({ op: "column", kind: "text", name: "area" }, columns)).toThrow(/area/);
    expect(() => checkColumnsRead(toNode(c.area), columns)).not.toThrow();
  });
});
