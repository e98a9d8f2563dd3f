import type { AnyNode, CatchClause, Identifier, Program, ThisExpression } from "acorn";

type FunctionNode = Extract<AnyNode, { type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" }>;
type ClassNode = Extract<AnyNode, { type: "ClassDeclaration" | "ClassExpression" }>;

/** Names declared together. */
interface Scope {
  readonly names: Set<string>;
  readonly parent: Scope | undefined;
  /** Holds nothing but the name that a function or class expression has for itself. */
  readonly isOwnName?: boolean;
}

/** A place that names a variable, or `this`. */
export interface Reference {
  readonly name: string;
  readonly node: Identifier | ThisExpression;
  /** Where the name is declared; undefined: nowhere, so a global or a parameter of whatever surrounds the program. */
  readonly scope: Scope | undefined;
}

export interface Names {
  /** The program's own names: what lives as long as the module does. */
  readonly top: Scope;
  readonly references: readonly Reference[];
  parentOf(node: AnyNode): AnyNode | undefined;
}

/**
 * Finds where each name of a program is declared. Where JavaScript's rules are odd (functions in blocks of sloppy code), a name counts as declared
 * further out than it is.
 */
export function resolveNames(program: Program): Names {
  const top: Scope = { names: new Set(), parent: undefined };
  for (const statement of program.body) declareHoisted(statement, top.names);
  declareLexical(program.body, top.names);
  const resolver = new Resolver();
  for (const statement of program.body) resolver.visit(statement, program, top);
  return { top, references: resolver.references, parentOf: (node) => resolver.parents.get(node) };
}

class Resolver {
  readonly references: Reference[] = [];
  readonly parents = new Map<AnyNode, AnyNode>();

  visit(node: AnyNode, parent: AnyNode, scope: Scope): void {
    this.parents.set(node, parent);
    switch (node.type) {
      case "Identifier":
        this.#refer(node.name, node, scope);
        return;
      case "ThisExpression":
        this.#refer("this", node, scope);
        return;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        this.#visitFunction(node, scope);
        return;
      case "ClassDeclaration":
      case "ClassExpression":
        this.#visitClass(node, scope);
        return;
      case "CatchClause":
        this.#visitCatch(node, scope);
        return;
      case "VariableDeclarator":
        this.#visitBinding(node.id, node, scope);
        if (node.init) this.visit(node.init, node, scope);
        return;
      case "BlockStatement":
      case "StaticBlock":
        this.#visitChildren(node, blockScope(node.body, scope));
        return;
      case "ForStatement":
        this.#visitChildren(node, blockScope(node.init ? [node.init] : [], scope));
        return;
      case "ForInStatement":
      case "ForOfStatement":
        this.#visitChildren(node, blockScope([node.left], scope));
        return;
      case "SwitchStatement":
        this.#visitChildren(
          node,
          blockScope(
            node.cases.flatMap(({ consequent }) => consequent),
            scope,
          ),
        );
        return;
      default:
        this.#visitChildren(node, scope);
    }
  }

  #visitChildren(node: AnyNode, scope: Scope): void {
    forEachChild(node, (child) => this.visit(child, node, scope));
  }

  #refer(name: string, node: Identifier | ThisExpression, from: Scope): void {
    let scope: Scope | undefined = from;
    while (scope !== undefined && !scope.names.has(name)) scope = scope.parent;
    this.references.push({ name, node, scope });
  }

  #visitFunction(node: FunctionNode, outer: Scope): void {
    const named = node.type === "FunctionExpression" ? ownNameScope(node.id, outer) : outer;
    const isArrow = node.type === "ArrowFunctionExpression";
    const parameters: Scope = { names: new Set(isArrow ? [] : ["this", "arguments"]), parent: named };
    for (const parameter of node.params) declarePattern(parameter, parameters.names);
    for (const parameter of node.params) this.#visitBinding(parameter, node, parameters);
    if (node.body.type !== "BlockStatement") {
      this.visit(node.body, node, parameters);
      return;
    }
    const body = blockScope(node.body.body, parameters);
    for (const statement of node.body.body) declareHoisted(statement, body.names);
    this.parents.set(node.body, node);
    for (const statement of node.body.body) this.visit(statement, node.body, body);
  }

  #visitClass(node: ClassNode, outer: Scope): void {
    const named = ownNameScope(node.id, outer);
    if (node.superClass) this.visit(node.superClass, node, named);
    this.visit(node.body, node, { names: new Set(["this"]), parent: named });
  }

  #visitCatch(node: CatchClause, outer: Scope): void {
    const scope: Scope = { names: new Set(), parent: outer };
    if (node.param) {
      declarePattern(node.param, scope.names);
      this.#visitBinding(node.param, node, scope);
    }
    this.visit(node.body, node, scope);
  }

  /** A declared pattern: its names are no references, what its defaults and computed keys say is. */
  #visitBinding(pattern: AnyNode, parent: AnyNode, scope: Scope): void {
    this.parents.set(pattern, parent);
    if (pattern.type === "Identifier") return;
    if (pattern.type === "AssignmentPattern") {
      this.#visitBinding(pattern.left, pattern, scope);
      this.visit(pattern.right, pattern, scope);
    } else if (pattern.type === "Property") {
      if (pattern.computed) this.visit(pattern.key, pattern, scope);
      this.#visitBinding(pattern.value, pattern, scope);
    } else {
      forEachChild(pattern, (child) => this.#visitBinding(child, pattern, scope));
    }
  }
}

function blockScope(statements: readonly AnyNode[], parent: Scope): Scope {
  const scope: Scope = { names: new Set(), parent };
  declareLexical(statements, scope.names);
  return scope;
}

function ownNameScope(id: Identifier | null | undefined, parent: Scope): Scope {
  return id ? { names: new Set([id.name]), parent, isOwnName: true } : parent;
}

function declareLexical(statements: readonly AnyNode[], names: Set<string>): void {
  for (const statement of statements) {
    if (statement.type === "VariableDeclaration") {
      if (statement.kind !== "var") for (const { id } of statement.declarations) declarePattern(id, names);
    } else if ((statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") && statement.id) {
      names.add(statement.id.name);
    }
  }
}

/** `var` belongs to the whole function. */
function declareHoisted(node: AnyNode, names: Set<string>): void {
  if (isFunction(node) || node.type === "ClassDeclaration" || node.type === "ClassExpression") return;
  if (node.type === "VariableDeclaration" && node.kind === "var") for (const { id } of node.declarations) declarePattern(id, names);
  // No statement is below an expression, but in a function.
  if (!node.type.endsWith("Expression")) forEachChild(node, (child) => declareHoisted(child, names));
}

function declarePattern(pattern: AnyNode, names: Set<string>): void {
  if (pattern.type === "Identifier") names.add(pattern.name);
  else if (pattern.type === "AssignmentPattern") declarePattern(pattern.left, names);
  else if (pattern.type === "Property") declarePattern(pattern.value, names);
  else forEachChild(pattern, (child) => declarePattern(child, names));
}

function isFunction(node: AnyNode): node is FunctionNode {
  return node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";
}

/** Calls `visit` for what a node consists of, without names that are no variables: property names, labels. */
export function forEachChild(node: AnyNode, visit: (child: AnyNode) => void): void {
  switch (node.type) {
    case "Identifier":
    case "Literal":
    case "BreakStatement":
    case "ContinueStatement":
    case "MetaProperty":
      return;
    case "MemberExpression":
      visit(node.object);
      if (node.computed) visit(node.property);
      return;
    case "Property":
      if (node.computed) visit(node.key);
      visit(node.value);
      return;
    case "MethodDefinition":
    case "PropertyDefinition":
      if (node.computed) visit(node.key);
      if (node.value) visit(node.value);
      return;
    case "LabeledStatement":
      visit(node.body);
      return;
    default:
      forEachPart(node, visit);
  }
}

function forEachPart(node: AnyNode, visit: (child: AnyNode) => void): void {
  for (const key in node) {
    const value: unknown = node[key as keyof AnyNode];
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) {
      for (const part of value as readonly unknown[]) if (isNode(part)) visit(part);
    } else if (isNode(value)) visit(value);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value;
}
