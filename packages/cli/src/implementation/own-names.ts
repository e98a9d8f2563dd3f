import { readFileSync } from "node:fs";
import type { AnyNode, Class, Expression, Function as FunctionNode, Identifier, Program, Statement } from "acorn";
import type { BundleText, Edit } from "./bundle-text.ts";
import { isNamed } from "./top-level.ts";

/** What gives functions and classes back the names that they have in their sources. */
export interface OwnNames {
  readonly edits: readonly Edit[];
  /** To be run before the code: functions are there from the beginning. */
  readonly head: string;
  /** The names of functions and classes in the bundle that have another one in their sources, and those. For stacks, in which V8 shows what it has parsed. */
  readonly names: Readonly<Record<string, string>>;
}

/**
 * A bundle has one scope for all modules, so esbuild renames what is called the same in two of them, and classes that speak of themselves. Code sees it:
 * `message.constructor.name`. Names are put right where that takes no time: once for each function of a module's top level, and for each class.
 */
export function ownNames(text: BundleText): OwnNames {
  const renaming = new Renaming(text);
  const edits = [...classEdits(text, renaming)];
  let head = "";
  for (const { body, start } of moduleBodies(text.program)) {
    const functions = body.map((statement) => renamingOfFunction(statement, renaming)).join("");
    if (start === undefined) head += functions;
    else if (functions !== "") edits.push({ start, end: start, text: functions });
    for (const statement of body) edits.push(...variableEdits(statement, renaming));
  }
  return { edits, head, names: renaming.names };
}

/** Finds own names. */
class Renaming {
  readonly #text: BundleText;
  readonly #names = new Map<string, string>();
  readonly #sources = new Map<string, readonly string[]>();

  constructor(text: BundleText) {
    this.#text = text;
  }

  /** Without those that stand for several names, in scopes of their own. */
  get names(): Record<string, string> {
    return Object.fromEntries([...this.#names].filter(([bundled, own]) => own !== bundled && own !== ""));
  }

  /** The call that names `target`, the value of `id`; nothing if it has its name. `inner`: the name that it has for itself. */
  call(target: string, id: Identifier, inner?: Identifier | null): string {
    const bundled = (inner ?? id).name;
    const own = inner && !this.#isMadeOf(inner, id) ? this.#ownName(inner) : this.#ownName(id);
    const known = this.#names.get(bundled);
    this.#names.set(bundled, known === undefined || known === own ? own : "");
    return own === bundled ? "" : `__raft.named(${target},${JSON.stringify(bundled)},${JSON.stringify(own)});`;
  }

  /** `var Vote = class _Vote {`, of `class Vote {` */
  #isMadeOf(inner: Identifier, outer: Identifier): boolean {
    if (!inner.name.startsWith("_")) return false;
    const [a, b] = [this.#text.originOf(inner), this.#text.originOf(outer)];
    return a !== undefined && b !== undefined && a.source === b.source && a.line === b.line && a.column === b.column;
  }

  #ownName(id: Identifier): string {
    // esbuild makes names by appending numbers, and for what is exported as the default and has none.
    const isDefault = /_default\d*$/.test(id.name);
    const origin = isDefault || /\d$/.test(id.name) ? this.#text.originOf(id) : undefined;
    if (origin === undefined) return id.name;
    return (
      origin.name ?? (isDefault && this.#lineOf(origin.source, origin.line).startsWith("default", origin.column) ? "default" : id.name)
    );
  }

  #lineOf(source: string, line: number): string {
    if (!this.#sources.has(source)) this.#sources.set(source, linesOf(source));
    return this.#sources.get(source)![line] ?? "";
  }
}

/** No lines when the source is not at hand: a package's own map may name what is not installed. */
function linesOf(source: string): readonly string[] {
  try {
    return readFileSync(source, "utf8").split("\n");
  } catch {
    return [];
  }
}

/** A class is named before its static fields are evaluated. */
function* classEdits(text: BundleText, renaming: Renaming): Generator<Edit> {
  const variables = new Map<AnyNode, Identifier>();
  for (const node of text.nodes()) {
    const value = valueOfVariable(node);
    if (value) variables.set(value.value, value.id);
    if (node.type !== "ClassDeclaration" && node.type !== "ClassExpression") continue;
    const call = renamingOfClass(node, variables.get(node), renaming);
    const start = node.body.start + 1;
    if (call !== "") yield { start, end: start, text: `static{${call}}` };
  }
}

function renamingOfClass({ id }: Class, variable: Identifier | undefined, renaming: Renaming): string {
  const outer = variable ?? id;
  return outer ? renaming.call("this", outer, id) : "";
}

/** `id = value`, declared or assigned. */
function valueOfVariable(node: AnyNode): { readonly id: Identifier; readonly value: Expression } | undefined {
  if (node.type === "VariableDeclarator" && node.id.type === "Identifier" && node.init) return { id: node.id, value: node.init };
  if (node.type === "AssignmentExpression" && node.operator === "=" && node.left.type === "Identifier")
    return { id: node.left, value: node.right };
  return undefined;
}

function renamingOfFunction(statement: AnyNode, renaming: Renaming): string {
  return statement.type === "FunctionDeclaration" && statement.id ? renaming.call(statement.id.name, statement.id) : "";
}

function* variableEdits(statement: AnyNode, renaming: Renaming): Generator<Edit> {
  const parts =
    statement.type === "VariableDeclaration"
      ? statement.declarations
      : statement.type === "ExpressionStatement"
        ? [statement.expression]
        : [];
  const start = statement.end;
  for (const part of parts) {
    const variable = valueOfVariable(part);
    if (variable === undefined || !isFunction(variable.value)) continue;
    const text = renaming.call(variable.id.name, variable.id, variable.value.id);
    if (text !== "") yield { start, end: start, text };
  }
}

function isFunction(node: AnyNode): node is FunctionNode & Expression {
  return node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";
}

interface ModuleBody {
  readonly body: readonly AnyNode[];
  /** Where its first statement could be; undefined: before all code. */
  readonly start?: number;
}

/** The top levels of all modules: that of the bundle, and of those that esbuild has made a function of: `var require_a = __commonJS({ "a.cjs"(exports) { ... } })`. */
function* moduleBodies({ body }: Program): Generator<ModuleBody> {
  yield { body };
  for (const statement of body) {
    if (statement.type !== "VariableDeclaration") continue;
    for (const { init } of statement.declarations) {
      const wrapped = init ? bodyOfWrapped(init) : undefined;
      if (wrapped) yield { body: wrapped.body, start: wrapped.body.findLast(isDirective)?.end ?? wrapped.start + 1 };
    }
  }
}

function bodyOfWrapped(node: Expression) {
  if (node.type !== "CallExpression" || !(isNamed(node.callee, "__commonJS") || isNamed(node.callee, "__esm"))) return undefined;
  const [modules] = node.arguments;
  const property = modules?.type === "ObjectExpression" ? modules.properties[0] : undefined;
  return property?.type === "Property" && property.value.type === "FunctionExpression" ? property.value.body : undefined;
}

function isDirective(statement: Statement): boolean {
  return statement.type === "ExpressionStatement" && statement.directive !== undefined;
}
