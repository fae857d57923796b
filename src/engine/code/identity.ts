import { digestOf } from "../../store/platform-digest.ts";
import type { ModuleGraph } from "./graph.ts";
import { defaultName } from "./module.ts";
import type { Imported, Module, Statement } from "./module.ts";
import { canonicalCode, childrenOf, isNode, nameOf } from "./syntax.ts";
import type { SyntaxNode } from "./syntax.ts";

/** What a step's code is: one digest, and the digest of each part it consists of. */
export interface CodeIdentity {
  readonly digest: string;
  /** By "file#name", "package NAME" or "file". */
  readonly parts: Readonly<Record<string, string>>;
}

/** A piece of code in a module, by which a step begins. */
export interface Root {
  readonly module: Module;
  readonly node: SyntaxNode;
}

/**
 * What `root` depends on, through however many imports: the declarations it uses, those they use, and every statement
 * that runs for its effect when the modules are loaded. Like a tree-shaken bundle, but told apart by declaration.
 */
export function identityOf(graph: ModuleGraph, root: Root, label: string): CodeIdentity {
  const dependencies = new Dependencies(graph);
  dependencies.use(root.module, root.node);
  dependencies.includeEffects();
  const own = [`${graph.nameOf(root.module)}#${label}`, digestOf(canonicalCode(root.node))] as const;
  const parts = new Map([own, ...dependencies.parts]);
  const sorted = [...parts].sort(([a], [b]) => (a < b ? -1 : 1));
  return { digest: digestOf(JSON.stringify(sorted)), parts: Object.fromEntries(sorted) };
}

/** Follows names to the declarations they stand for, and these to the names they use. */
class Dependencies {
  readonly parts = new Map<string, string>();
  readonly #graph: ModuleGraph;
  readonly #reached = new Set<Statement>();

  constructor(graph: ModuleGraph) {
    this.#graph = graph;
  }

  use(module: Module, node: SyntaxNode): void {
    for (const name of module.usesIn(node)) this.#useName(module, name);
    for (const specifier of dynamicImports(node)) this.#useExport(module, { specifier, name: "*" });
  }

  /** Statements that run for their effect; and declarations that call code on a value that is used, for they may change it. */
  includeEffects(): void {
    const modules = this.#graph.modules();
    const reached = this.#reached;
    for (const module of modules) for (const one of module.statements) if (one.isEffect) this.#include(module, one);
    for (let before = -1; before !== reached.size;) {
      before = reached.size;
      for (const module of modules)
        for (const one of module.statements)
          if (one.callsCode && !reached.has(one) && touchesState(module, one, reached)) this.#include(module, one);
    }
  }

  #include(module: Module, statement: Statement): void {
    if (this.#reached.has(statement)) return;
    this.#reached.add(statement);
    const code = digestOf(statement.code);
    const name = statement.declares.join(",") || `effect ${code.slice(7, 15)}`;
    this.parts.set(`${this.#graph.nameOf(module)}#${name}`, code);
    this.use(module, statement.node);
  }

  #includeAll(module: Module): void {
    for (const statement of module.statements) this.#include(module, statement);
    for (const exported of module.exports.values()) if (typeof exported !== "string") this.#useExport(module, exported);
  }

  #useName(module: Module, name: string): void {
    const imported = module.imports.get(name);
    const statement = module.declaredBy.get(name);
    if (imported) this.#useExport(module, imported);
    else if (statement) this.#include(module, statement);
  }

  #useExport(from: Module, { specifier, name }: Imported): void {
    const target = this.#graph.resolve(from, specifier);
    if (target.kind === "package") this.parts.set(`package ${target.part}`, target.version);
    else if (target.kind === "asset") this.parts.set(target.part, target.digest);
    else this.#useExported(target.module, name, new Set());
  }

  #useExported(module: Module, name: string, seen: Set<Module>): void {
    if (seen.has(module)) return;
    seen.add(module);
    const exported = module.exports.get(name);
    if (typeof exported === "string") this.#useName(module, exported);
    else if (exported) this.#useExport(module, exported);
    // All of it; or a module without exports of that name, such as CommonJS: whatever it has.
    else if (name === "*" || module.starExports.length === 0) this.#includeAll(module);
    if (exported === undefined)
      for (const specifier of module.starExports) this.#useStar(module, specifier, name, seen);
  }

  #useStar(from: Module, specifier: string, name: string, seen: Set<Module>): void {
    const target = this.#graph.resolve(from, specifier);
    if (target.kind === "module") this.#useExported(target.module, name, seen);
    else this.#useExport(from, { specifier, name });
  }
}

function touchesState(module: Module, statement: Statement, reached: ReadonlySet<Statement>): boolean {
  return module.usesIn(statement.node).some((name) => {
    const declaration = module.declaredBy.get(name);
    return declaration !== undefined && declaration.holdsState && reached.has(declaration);
  });
}

/** Specifiers of `import("...")`, `require("...")` and `import x = require("...")`. What is computed cannot be followed. */
function dynamicImports(node: SyntaxNode): readonly string[] {
  const found = childrenOf(node).flatMap(dynamicImports);
  const callee = isNode(node["callee"]) ? node["callee"] : null;
  const isImport =
    ["ImportExpression", "TSExternalModuleReference"].includes(node.type) ||
    callee?.type === "Import" ||
    nameOf(callee) === "require";
  if (!isImport) return found;
  const source = node["source"] ?? node["expression"] ?? (node["arguments"] as readonly unknown[] | undefined)?.[0];
  return isNode(source) && source.type === "StringLiteral" ? [...found, String(source["value"])] : found;
}

/** The whole of what the file exports by default: for a step whose own code cannot be told apart. */
export function wholeRoot(graph: ModuleGraph): Root {
  const statement = graph.entry.declaredBy.get(defaultName);
  const whole = { type: "Whole", start: 0, end: 0 };
  return { module: graph.entry, node: statement?.node ?? whole };
}
