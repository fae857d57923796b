import type { ModuleGraph } from "./graph.ts";
import { identityOf, wholeRoot } from "./identity.ts";
import type { CodeIdentity, Root } from "./identity.ts";
import { defaultName } from "./module.ts";
import type { Module, Statement } from "./module.ts";
import { childrenOf, isNode, nameOf, unwrapped } from "./syntax.ts";
import type { SyntaxNode } from "./syntax.ts";

/** The code of a step made by `step({ name, run })`, wherever in the modules of the graph it stands. */
export function workflowStepCode(graph: ModuleGraph, name: string): CodeIdentity {
  const found = graph.modules().flatMap((module) => definitionsIn(module).filter((one) => one.name === name));
  const [only] = found;
  // A step made inside a function depends on how that was called: then everything counts.
  return only && found.length === 1
    ? identityOf(graph, only.root, name)
    : identityOf(graph, wholeRoot(graph), "default");
}

/** The code of an own step of a pipeline: `steps: { name: { run } }` of the object given to `pipeline()`. */
export function pipelineStepCode(graph: ModuleGraph, name: string): CodeIdentity {
  const { entry } = graph;
  const exported = entry.declaredBy.get(defaultName)?.node;
  const call = exported && resolved(entry, exported);
  const definition = call && ((call["arguments"] as readonly SyntaxNode[] | undefined) ?? [])[0];
  const steps = definition && memberOf(resolved(entry, definition), "steps");
  const step = steps && memberOf(resolved(entry, steps), name);
  if (!step) return identityOf(graph, wholeRoot(graph), "default");
  const run = memberOf(resolved(entry, step), "run");
  return identityOf(graph, { module: entry, node: run ?? step }, name);
}

/** Names of the steps that the file itself defines and gives to no other file. */
export function ownStepNames({ entry }: ModuleGraph): readonly string[] {
  const exported = new Set(entry.exports.values());
  const inner = entry.statements.filter(({ declares }) => !declares.some((name) => exported.has(name)));
  return definitionsIn(entry, inner).map(({ name }) => name);
}

interface Definition {
  readonly name: string;
  /** Its `run`. */
  readonly root: Root;
}

/** Calls of millrace's `step` with a literal name that are made once, when the module is loaded. */
function definitionsIn(module: Module, statements: readonly Statement[] = module.statements): readonly Definition[] {
  const isOurs = (node: unknown, called: string): boolean => {
    // import * as m from "millrace": m.step(...)
    if (isNode(node) && node.type === "MemberExpression") {
      const whole = module.imports.get(nameOf(node["object"]) ?? "");
      return whole?.specifier === "millrace" && whole.name === "*" && nameOf(node["property"]) === called;
    }
    const imported = module.imports.get(nameOf(node) ?? "");
    return imported?.specifier === "millrace" && imported.name === called;
  };
  const search = (given: SyntaxNode): readonly Definition[] => {
    const node = unwrapped(given);
    if (node.type === "CallExpression") {
      const args = node["arguments"] as readonly SyntaxNode[];
      if (isOurs(node["callee"], "step")) return definitionOf(module, args[0]);
      // The function that map() is given is called once, with a handle.
      const inner = isOurs(node["callee"], "map") ? args[1] : undefined;
      if (inner && /Function/.test(inner.type)) return [...search(args[0]!), ...childrenOf(inner).flatMap(search)];
    }
    return /Function|Method/.test(node.type) ? [] : childrenOf(node).flatMap(search);
  };
  return statements.flatMap(({ node }) => search(node));
}

function definitionOf(module: Module, argument: SyntaxNode | undefined): readonly Definition[] {
  const definition = argument && resolved(module, argument);
  if (!definition || definition.type !== "ObjectExpression") return [];
  const given = memberOf(definition, "name");
  if (!given || given.type !== "StringLiteral") return [];
  const run = memberOf(definition, "run");
  return run ? [{ name: String(given["value"]), root: { module, node: run } }] : [];
}

/** A name that a `const` of the same module gives to an expression, replaced by the expression. */
function resolved(module: Module, node: SyntaxNode): SyntaxNode {
  const inner = unwrapped(node);
  if (inner.type !== "Identifier") return inner;
  const declaration = module.declaredBy.get(String(inner["name"]))?.node;
  if (declaration?.type !== "VariableDeclaration" || declaration["kind"] !== "const") return inner;
  const declarators = declaration["declarations"] as readonly SyntaxNode[];
  const found = declarators.find((one) => nameOf(one["id"]) === inner["name"]);
  return isNode(found?.["init"]) ? resolved(module, found["init"]) : inner;
}

/** A member of an object literal: its value, or the method itself. Null where a spread could replace it. */
function memberOf(object: SyntaxNode, name: string): SyntaxNode | null {
  if (object.type !== "ObjectExpression") return null;
  const properties = object["properties"] as readonly SyntaxNode[];
  if (properties.some((property) => property.type === "SpreadElement")) return null;
  const property = properties.find((one) => one["computed"] !== true && nameOf(one["key"]) === name);
  if (!property) return null;
  return property.type === "ObjectMethod" ? property : unwrapped(property["value"] as SyntaxNode);
}
