import { invalidDefinition, showValue } from "./definition-fault.ts";
import type { Kind } from "./column.ts";
import type { ContractColumn } from "./contract.ts";
import type { ExpressionNode } from "./expression-node.ts";

const mostNodes = 10_000;
const deepest = 1_000;

type Members = Readonly<Record<string, unknown>>;
/** What one operation must look like: the kinds of its operands and a check of its constants. */
interface Shape {
  readonly kind: Kind | "same";
  readonly operands: Readonly<Record<string, Kind | "same" | "any">>;
  readonly constants?: Readonly<Record<string, (value: unknown) => boolean>>;
}

const isFinite = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isAscending = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((edge, i) => isFinite(edge) && (i === 0 || value[i - 1] < edge));
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const arithmetic: Shape = { kind: "number", operands: { a: "number", b: "number" } };
const unary: Shape = { kind: "number", operands: { a: "number" } };
const comparison: Shape = { kind: "boolean", operands: { a: "number", b: "number" } };
const timePart: Shape = { kind: "number", operands: { a: "timestamp" } };
const logic: Shape = { kind: "boolean", operands: { a: "boolean", b: "boolean" } };
const textSize: Shape = { kind: "number", operands: { a: "text" } };

const shapes: Readonly<Record<ExpressionNode["op"], Shape>> = {
  column: { kind: "same", operands: {}, constants: { name: isText } },
  number: { kind: "number", operands: {}, constants: { value: isFinite } },
  level: { kind: "category", operands: {}, constants: { value: isText } },
  boolean: { kind: "boolean", operands: {}, constants: { value: (value) => typeof value === "boolean" } },
  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: arithmetic,
  log: unary,
  sqrt: unary,
  abs: unary,
  floor: unary,
  clip: { kind: "number", operands: { a: "number" }, constants: { min: isFinite, max: isFinite } },
  fill: { kind: "number", operands: { a: "number" }, constants: { value: isFinite } },
  gt: comparison,
  ge: comparison,
  lt: comparison,
  le: comparison,
  eq: comparison,
  bin: { kind: "category", operands: { a: "number" }, constants: { edges: isAscending } },
  hour: timePart,
  dayOfWeek: timePart,
  month: timePart,
  dayOfMonth: timePart,
  dayOfYear: timePart,
  year: timePart,
  since: { kind: "number", operands: { a: "timestamp", b: "timestamp" } },
  length: textSize,
  words: textSize,
  lower: { kind: "text", operands: { a: "text" } },
  contains: { kind: "boolean", operands: { a: "text" }, constants: { part: isText } },
  and: logic,
  or: logic,
  not: { kind: "boolean", operands: { a: "boolean" } },
  toNumber: { kind: "number", operands: { a: "boolean" } },
  in: { kind: "boolean", operands: { a: "category" }, constants: { levels: isTexts } },
  cross: { kind: "category", operands: { a: "category", b: "category" } },
  isMissing: { kind: "boolean", operands: { a: "any" } },
  when: { kind: "same", operands: { condition: "boolean", a: "same", b: "same" } },
};

const kinds: readonly unknown[] = ["number", "category", "text", "boolean", "timestamp"];

interface Size {
  readonly nodes: number;
  readonly depth: number;
}
/** Nodes found sound, with their size as trees: shared parts are looked at once, so that checking stays linear. */
const sound = new WeakMap<object, Size>();

/**
 * `value` as an expression; throws DEFINITION_INVALID where it is none: unknown operations, operands of a wrong kind,
 * constants out of place, more than 10,000 nodes or deeper than 1,000. Also for expressions read from a file.
 */
export function checkExpressionNode(value: unknown): ExpressionNode {
  measure(value, 0);
  return value as ExpressionNode;
}

/** Checks a node a builder made and freezes it. */
export function freezeNode(node: ExpressionNode): ExpressionNode {
  checkExpressionNode(node);
  for (const member of Object.values(node)) if (Array.isArray(member)) Object.freeze(member);
  return Object.freeze(node);
}

/** Names of the columns an expression reads, each once, in order of appearance. */
export function columnsRead(expression: ExpressionNode): readonly string[] {
  const names = new Set<string>();
  const visited = new Set<ExpressionNode>();
  const visit = (node: ExpressionNode): void => {
    if (visited.has(node)) return;
    visited.add(node);
    if (node.op === "column") names.add(node.name);
    for (const operand of operandsOf(node)) visit(operand);
  };
  visit(expression);
  return [...names];
}

/** Throws DEFINITION_INVALID where an expression reads a column the contract does not have, or has with another kind. */
export function checkColumnsRead(expression: ExpressionNode, columns: readonly ContractColumn[]): void {
  const kindOf = new Map(columns.map((column) => [column.name, column.kind]));
  const visited = new Set<ExpressionNode>();
  const visit = (node: ExpressionNode): void => {
    if (visited.has(node)) return;
    visited.add(node);
    if (node.op === "column" && kindOf.get(node.name) !== node.kind)
      throw invalidDefinition(
        "an expression",
        `may read the columns of the contract only (not ${showValue(node.name)} as ${node.kind})`,
        kindOf.get(node.name) ?? "no such column",
      );
    for (const operand of operandsOf(node)) visit(operand);
  };
  visit(expression);
}

/** The operands of a node, in order. */
export function operandsOf(node: ExpressionNode): readonly ExpressionNode[] {
  if (node.op === "when") return [node.condition, node.a, node.b];
  const operands: ExpressionNode[] = [];
  if ("a" in node) operands.push(node.a);
  if ("b" in node && typeof node.b === "object") operands.push(node.b);
  return operands;
}

function measure(value: unknown, above: number): Size {
  if (typeof value !== "object" || value === null)
    throw invalidDefinition("an expression", "must be a node", showValue(value));
  const known = sound.get(value);
  if (known && Object.isFrozen(value)) return limited(known, above);
  if (above >= deepest) throw tooLarge(`a depth of ${above}`);
  const members = value as Members;
  const op = members["op"];
  if (typeof op !== "string" || !Object.hasOwn(shapes, op))
    throw invalidDefinition("an expression", "uses the operations Millrace knows", showValue(op));
  const shape = shapes[op as ExpressionNode["op"]];
  checkConstants(op, shape, members);
  let nodes = 1;
  let depth = 1;
  for (const [name, kind] of Object.entries(shape.operands)) {
    const operand = members[name];
    if (op === "since" && name === "b" && isFinite(operand)) continue;
    const size = measure(operand, above + 1);
    const actual = (operand as ExpressionNode).kind;
    if (kind !== "any" && actual !== (kind === "same" ? members["kind"] : kind))
      throw invalidDefinition(
        `${op}()`,
        `needs an operand of kind ${kind === "same" ? String(members["kind"]) : kind}`,
        `a ${actual}`,
      );
    nodes += size.nodes;
    depth = Math.max(depth, size.depth + 1);
  }
  const size = limited({ nodes, depth }, above);
  sound.set(value, size);
  return size;
}

function checkConstants(op: string, shape: Shape, members: Members): void {
  const kind = members["kind"];
  if (shape.kind === "same" ? !kinds.includes(kind) : kind !== shape.kind)
    throw invalidDefinition(`${op}()`, "must name the kind of its result", showValue(kind));
  for (const [name, check] of Object.entries(shape.constants ?? {})) {
    if (check(members[name])) continue;
    throw invalidDefinition(`${op}()`, `has an unusable ${name}`, showValue(members[name]), remedies[name]);
  }
  if (op === "clip" && (members["min"] as number) > (members["max"] as number))
    throw invalidDefinition(
      "clip()",
      "needs min at most max",
      `${showValue(members["min"])} and ${showValue(members["max"])}`,
    );
}

const remedies: Readonly<Record<string, string>> = {
  edges: "Give at least one edge, finite and ascending.",
  levels: "Give a list of texts.",
};

function limited(size: Size, above: number): Size {
  if (size.nodes > mostNodes) throw tooLarge(`${size.nodes} operations`);
  if (size.depth + above > deepest) throw tooLarge(`a depth of ${size.depth + above}`);
  return size;
}

function tooLarge(actual: string): Error {
  const rule = `has at most ${mostNodes} operations and a depth of ${deepest}`;
  return invalidDefinition("an expression", rule, actual, "Compute such a feature before ingest.");
}
