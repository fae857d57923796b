import { canonicalCode, childrenOf, isNode, nameOf, unwrapped } from "./syntax.ts";
import type { ParsedModule, SyntaxNode } from "./syntax.ts";

/** A top-level statement of a module. */
export interface Statement {
  readonly node: SyntaxNode;
  /** Canonical text. */
  readonly code: string;
  readonly declares: readonly string[];
  /** Runs for its effect when the module is loaded, whoever uses the module. */
  readonly isEffect: boolean;
  /** Declares something, but calls code while the module is loaded. */
  readonly callsCode: boolean;
  /** Declares a value that others could change. */
  readonly holdsState: boolean;
}

/** What a name stands for that comes from another module: one export, "default", or "*" for all of them. */
export interface Imported {
  readonly specifier: string;
  readonly name: string;
}

/** A module as far as the question goes what a piece of it depends on. */
export interface Module {
  readonly file: string;
  readonly statements: readonly Statement[];
  readonly declaredBy: ReadonlyMap<string, Statement>;
  readonly imports: ReadonlyMap<string, Imported>;
  /** By exported name: a local name, or an export of another module. */
  readonly exports: ReadonlyMap<string, string | Imported>;
  /** Specifiers of `export *`. */
  readonly starExports: readonly string[];
  /** Every module it loads, in order. */
  readonly specifiers: readonly string[];
  /** Top-level names that the code in `node` reads or assigns. */
  usesIn(node: SyntaxNode): readonly string[];
}

export const defaultName = "*default*";

export function readModule(file: string, parsed: ParsedModule): Module {
  const statements: Statement[] = [];
  const imports = new Map<string, Imported>();
  const exports = new Map<string, string | Imported>();
  const starExports: string[] = [];
  const specifiers: string[] = [];
  const declare = (node: SyntaxNode, names?: readonly string[]): readonly string[] => {
    const statement = statementOf(node, names ?? declaredNames(node), imports);
    statements.push(statement);
    return statement.declares;
  };
  for (const node of parsed.body) {
    const source = isNode(node["source"]) ? String(node["source"]["value"]) : null;
    const isType = node["importKind"] === "type" || node["exportKind"] === "type" || isTypeOnly(node);
    if (isType) continue;
    if (source !== null) specifiers.push(source);
    if (node.type === "ImportDeclaration") readImport(node, source!, imports);
    else if (node.type === "ExportAllDeclaration") starExports.push(source!);
    else if (node.type === "ExportDefaultDeclaration") {
      declare(node["declaration"] as SyntaxNode, [defaultName, ...declaredNames(node["declaration"] as SyntaxNode)]);
      exports.set("default", defaultName);
    } else if (node.type === "ExportNamedDeclaration") {
      if (isNode(node["declaration"])) for (const name of declare(node["declaration"])) exports.set(name, name);
      readExports(node, source, exports);
    } else declare(node);
  }
  const declaredBy = new Map(statements.flatMap((one) => one.declares.map((name) => [name, one] as const)));
  const usesIn = (node: SyntaxNode): readonly string[] =>
    [...parsed.uses].flatMap(([name, at]) => (at.some((p) => p >= node.start && p < node.end) ? [name] : []));
  return { file, statements, declaredBy, imports, exports, starExports, specifiers, usesIn };
}

function isTypeOnly(node: SyntaxNode): boolean {
  const declaration = isNode(node["declaration"]) ? node["declaration"] : node;
  return /^TS(Interface|TypeAlias)/.test(declaration.type) || declaration["declare"] === true;
}

function readImport(node: SyntaxNode, specifier: string, imports: Map<string, Imported>): void {
  for (const one of node["specifiers"] as readonly SyntaxNode[]) {
    const local = nameOf(one["local"])!;
    if (one.type === "ImportNamespaceSpecifier") imports.set(local, { specifier, name: "*" });
    else if (one.type === "ImportDefaultSpecifier") imports.set(local, { specifier, name: "default" });
    else imports.set(local, { specifier, name: nameOf(one["imported"])! });
  }
}

function readExports(node: SyntaxNode, specifier: string | null, exports: Map<string, string | Imported>): void {
  for (const one of (node["specifiers"] as readonly SyntaxNode[] | undefined) ?? []) {
    const exported = nameOf(one["exported"])!;
    const local = one.type === "ExportNamespaceSpecifier" ? "*" : nameOf(one["local"])!;
    exports.set(exported, specifier === null ? local : { specifier, name: local });
  }
}

function declaredNames(node: SyntaxNode): string[] {
  if (node.type === "VariableDeclaration")
    return (node["declarations"] as readonly SyntaxNode[]).flatMap((one) => boundNames(one["id"]));
  const isDeclaration = /^(Function|Class|TSEnum|TSModule)Declaration$/.test(node.type);
  return isDeclaration ? boundNames(node["id"]) : [];
}

/** Names a pattern binds. */
function boundNames(pattern: unknown): string[] {
  if (!isNode(pattern)) return [];
  if (pattern.type === "Identifier") return [String(pattern["name"])];
  if (pattern.type === "ObjectProperty") return boundNames(pattern["value"]);
  if (pattern.type === "AssignmentPattern") return boundNames(pattern["left"]);
  return childrenOf(pattern).flatMap(boundNames);
}

function statementOf(node: SyntaxNode, declares: readonly string[], imports: ReadonlyMap<string, Imported>): Statement {
  const initialisers =
    node.type === "VariableDeclaration"
      ? (node["declarations"] as readonly SyntaxNode[]).flatMap((one) =>
          isNode(one["init"]) ? [unwrapped(one["init"])] : [],
        )
      : [];
  return {
    node,
    code: canonicalCode(node),
    declares,
    isEffect: declares.length === 0 && node.type !== "EmptyStatement",
    callsCode: !/Function/.test(node.type) && eagerlyCalls(node, imports),
    holdsState:
      initialisers.some((init) => !/Function|Literal$/.test(init.type) || init.type === "TemplateLiteral") ||
      node["kind"] === "let",
  };
}

const pureGlobals = new Set([
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "Object",
  "Array",
  "Number",
  "String",
  "Boolean",
  "BigInt",
  "Symbol",
  "RegExp",
  "Math",
  "JSON",
  "URL",
  "Date",
  "Float64Array",
  "Float32Array",
  "Int32Array",
  "Uint32Array",
  "Uint8Array",
  "TextEncoder",
  "TextDecoder",
]);

/** Whether loading the module calls code through this node: anything but Millrace's own definitions and plain values. */
function eagerlyCalls(node: SyntaxNode, imports: ReadonlyMap<string, Imported>): boolean {
  if (/^(Function|ArrowFunction|ObjectMethod|ClassMethod|ClassPrivateMethod)/.test(node.type)) return false;
  if (/^(CallExpression|NewExpression|OptionalCallExpression)$/.test(node.type)) {
    let callee = unwrapped(node["callee"] as SyntaxNode);
    while (callee.type === "MemberExpression") callee = unwrapped(callee["object"] as SyntaxNode);
    const name = nameOf(callee) ?? "";
    const isOurs = imports.get(name)?.specifier === "millrace";
    if (!isOurs && !(pureGlobals.has(name) && !imports.has(name))) return true;
  }
  if (/^(AwaitExpression|TaggedTemplateExpression|AssignmentExpression|UpdateExpression|Import)$/.test(node.type))
    return true;
  return childrenOf(node).some((child) => eagerlyCalls(child, imports));
}
