import { isBuiltin } from "node:module";
import type {
  AnyNode,
  ArrayExpression,
  ArrowFunctionExpression,
  AssignmentExpression,
  BinaryExpression,
  CallExpression,
  Class,
  Expression,
  Identifier,
  LogicalExpression,
  MemberExpression,
  NewExpression,
  ObjectExpression,
  Program,
  Property,
  VariableDeclarator,
} from "acorn";

/** It was not shown that module-level state cannot change; the message says what stood in the way. */
export class NotProven extends Error {}

/**
 * What a top-level name is bound to, by what code may do with it and leave no trace:
 * - `primitive`: anything
 * - `constant`: anything but write its properties, which the check after each run looks at: frozen records, regular expressions, functions of the language
 * - `builtin`: the same; modules of Node's and what they hold, which the guard of the language looks after
 * - `import`: the same; what esbuild makes of one for an `import`, and which only the check sees
 * - `function`: the same; functions and classes, which the check after each run looks at
 * - `record`: read it: an object or array of primitives
 * - `flat`: read it: the same with functions or constants in it
 * - `deep`: read it: objects in objects
 * - `lookup`: call those of its methods that only look
 * - `namespace`: read it: a module's exports as esbuild collects them
 */
export type Kind = "primitive" | "constant" | "builtin" | "import" | "function" | "record" | "flat" | "deep" | "lookup" | "namespace";

/** What can be held by anyone who gets hold of it. */
export function isFree(kind: Kind): boolean {
  return kind === "primitive" || kind === "constant" || kind === "function" || isOfNode(kind);
}

function isOfNode(kind: Kind): boolean {
  return kind === "builtin" || kind === "import";
}

/** Methods of a `lookup` that change nothing. */
export const lookingMethods: Readonly<Record<string, readonly string[]>> = {
  Map: ["get", "has"],
  Set: ["has"],
  TextDecoder: ["decode"],
};

const constantsOfTheLanguage = new Set(["undefined", "NaN", "Infinity"]);
/** Globals that are plain collections of functions and numbers, the same in every run. */
const toolboxes = new Set(["Object", "Math", "Number", "JSON", "Array", "String", "Symbol", "Reflect", "BigInt"]);
const baseClasses = new Set([
  "Object",
  "Error",
  "TypeError",
  "RangeError",
  "EvalError",
  "AggregateError",
  "Array",
  "Map",
  "Set",
  "Uint8Array",
]);
const conversions = new Set(["Number", "String", "Boolean", "BigInt", "parseInt", "parseFloat"]);

/**
 * Goes through the statements that a module runs when it is loaded and says what each of its names is bound to. Throws NotProven at the first one that
 * is not known to leave nothing behind but constants.
 */
export class TopLevel {
  readonly kinds = new Map<string, Kind>();
  /** The constructor of each `lookup`. */
  readonly lookups = new Map<string, string>();
  /** Places of names that the rules below account for; every other use is judged by itself. */
  readonly accounted = new Set<AnyNode>();
  /** Data fields of classes themselves: no code may write a property of such a name. */
  readonly staticFields = new Set<string>();
  /** Where esbuild's getters for the names of a module name what is exported, by the name of the collection. */
  readonly getters = new Map<string, readonly AnyNode[]>();
  /** The collection of the bundle's own exports. */
  entry: string | undefined;

  constructor(program: Program) {
    for (const statement of program.body)
      if (statement.type === "FunctionDeclaration" && statement.id) this.#bind(statement.id.name, "function");
    for (const statement of program.body) this.#statement(statement);
  }

  #bind(name: string, kind: Kind): void {
    if (this.kinds.has(name)) throw new NotProven(`'${name}' is declared twice`);
    this.kinds.set(name, kind);
  }

  #statement(node: AnyNode): void {
    switch (node.type) {
      case "FunctionDeclaration":
      case "EmptyStatement":
        return;
      case "ClassDeclaration":
        this.#class(node);
        if (node.id) this.#bind(node.id.name, "function");
        return;
      case "VariableDeclaration":
        for (const declarator of node.declarations) this.#declare(declarator);
        return;
      case "ExpressionStatement":
        this.#effect(node.expression);
        return;
      default:
        throw unknown(node);
    }
  }

  #declare({ id, init }: VariableDeclarator): void {
    if (id.type === "Identifier") {
      const kind = init ? this.#evaluate(init) : "primitive";
      this.#bind(id.name, kind);
      if (kind === "lookup") this.lookups.set(id.name, constructorOf(init as NewExpression | CallExpression));
      return;
    }
    const kind = id.type === "ObjectPattern" && init ? this.#evaluate(init) : undefined;
    if (id.type !== "ObjectPattern" || kind === undefined || (kind !== "constant" && !isOfNode(kind))) throw unknown(id);
    for (const property of id.properties) {
      if (property.type !== "Property" || property.computed || property.value.type !== "Identifier") throw unknown(property);
      this.#bind(property.value.name, kind === "constant" ? kind : "builtin");
    }
  }

  /** An expression for its effect: the bookkeeping of modules, nothing else. */
  #effect(node: Expression): void {
    if (node.type === "Literal") return;
    if (node.type === "AssignmentExpression") return void this.#assignExport(node);
    // `0 && (module.exports = { ... })`: names for Node's import of CommonJS, never run.
    if (node.type === "LogicalExpression" && node.operator === "&&" && node.left.type === "Literal" && node.left.value === 0) {
      this.#account(node.right);
      return;
    }
    if (node.type !== "CallExpression") throw unknown(node);
    if (isNamed(node.callee, "__export")) this.#collectExports(node);
    else if (isMarkOfModule(node)) this.accounted.add(node.arguments[0]!);
    else this.#call(node);
  }

  /** Every name within. */
  #account(node: AnyNode): void {
    if (node.type === "Identifier") this.accounted.add(node);
    for (const value of Object.values(node).flat())
      if (typeof value === "object" && value !== null && "type" in value) this.#account(value);
  }

  /** `__export(names, { name: () => value, ... })`: getters that esbuild makes for the names of a module. */
  #collectExports({ arguments: [target, getters] }: CallExpression): void {
    if (target?.type !== "Identifier" || this.kinds.get(target.name) !== "record" || getters?.type !== "ObjectExpression")
      throw new NotProven("exports of an unknown kind");
    this.kinds.set(target.name, "namespace");
    this.accounted.add(target);
    const values = getters.properties.map((getter) =>
      getter.type === "Property" && getter.value.type === "ArrowFunctionExpression" ? getter.value.body : getter,
    );
    this.getters.set(target.name, values);
  }

  /** `exports.name = value`, `module.exports = value`. */
  #assignExport(node: AssignmentExpression): Kind {
    const { left, right } = node;
    const target = left.type === "MemberExpression" && !left.computed && isExports(left.object) ? left.object : left;
    if (node.operator !== "=" || !isExports(target)) throw unknown(node);
    if (isToCommonJs(right)) {
      this.accounted.add(right.arguments[0]!);
      this.entry = (right.arguments[0] as Identifier).name;
      this.#account(target);
      return "constant";
    }
    const kind = right.type === "AssignmentExpression" ? this.#assignExport(right) : this.#evaluate(right);
    const isWhole = target === left;
    if (!isFree(kind) && !(isWhole && (kind === "record" || kind === "flat")))
      throw new NotProven("an object is exported that could be written to");
    this.#account(target);
    return kind;
  }

  #evaluate(node: AnyNode): Kind {
    switch (node.type) {
      case "Literal":
        if (node.regex && /[gy]/.test(node.regex.flags)) throw new NotProven(`the regular expression ${node.raw} remembers where it was`);
        return node.regex ? "constant" : "primitive";
      case "TemplateLiteral":
        for (const expression of node.expressions) this.#primitive(expression);
        return "primitive";
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return "function";
      case "ClassExpression":
        this.#class(node);
        return "function";
      case "Identifier":
        return this.#name(node);
      case "MemberExpression":
        return this.#member(node);
      case "UnaryExpression":
        if (node.operator === "delete") throw unknown(node);
        if (node.operator === "!" || node.operator === "typeof" || node.operator === "void") this.#evaluate(node.argument);
        else this.#primitive(node.argument);
        return "primitive";
      case "BinaryExpression":
        return this.#binary(node);
      case "LogicalExpression":
        return this.#either(node.left, node.right);
      case "ConditionalExpression":
        this.#evaluate(node.test);
        return this.#either(node.consequent, node.alternate);
      case "ArrayExpression":
      case "ObjectExpression":
        return this.#literal(node);
      case "CallExpression":
        return this.#call(node);
      case "NewExpression":
        return this.#new(node);
      default:
        throw unknown(node);
    }
  }

  #primitive(node: AnyNode): void {
    if (this.#evaluate(node) !== "primitive") throw unknown(node);
  }

  #binary({ left, right, operator }: BinaryExpression): Kind {
    if (left.type === "PrivateIdentifier" || operator === "in" || operator === "instanceof") throw unknown(right);
    this.#primitive(left);
    this.#primitive(right);
    return "primitive";
  }

  #either(one: AnyNode, other: AnyNode): Kind {
    const kinds = [this.#evaluate(one), this.#evaluate(other)];
    if (kinds.every((kind) => kind === "primitive")) return "primitive";
    if (kinds.every(isFree)) return "constant";
    throw unknown(one);
  }

  #name(node: Identifier): Kind {
    const { name } = node;
    const kind = this.kinds.get(name);
    // An alias of something that could be written to would be out of sight: its use is judged where the reference is.
    if (kind !== undefined) return kind;
    if (constantsOfTheLanguage.has(name)) return "primitive";
    throw new NotProven(`'${name}' is read while the module is loaded`);
  }

  #member(node: MemberExpression): Kind {
    const { object, property, computed } = node;
    if (object.type === "Super" || property.type === "PrivateIdentifier") throw unknown(node);
    const name = !computed && property.type === "Identifier" ? property.name : undefined;
    if (object.type === "Identifier" && !this.kinds.has(object.name)) {
      if (name === undefined || !toolboxes.has(object.name) || (object.name === "Math" && name === "random")) throw unknown(object);
      return object.name === "Math" || object.name === "Number" ? "primitive" : "constant";
    }
    if (isEnvironment(object)) return "primitive";
    // `Object.prototype.hasOwnProperty`
    if (object.type === "MemberExpression" && isNamed(object.object, "Object") && this.#member(object) === "constant") return "constant";
    if (computed) this.#primitive(property);
    const kind = this.#evaluate(object);
    if (kind === "record") return "primitive";
    if (kind === "flat" || kind === "constant") return "constant";
    if (isOfNode(kind)) return "builtin";
    throw unknown(node);
  }

  #literal(node: ArrayExpression | ObjectExpression): Kind {
    const parts = node.type === "ArrayExpression" ? node.elements : node.properties;
    let kind: Kind = "record";
    for (const part of parts) {
      if (part === null) continue;
      const inner = part.type === "Property" ? this.#propertyValue(part) : this.#part(part);
      if (inner === "primitive" || inner === "record") continue;
      if (isFree(inner) || inner === "flat") kind = kind === "deep" ? "deep" : "flat";
      else kind = "deep";
    }
    return kind;
  }

  /** What an element adds to its array, or a spread to its surroundings. */
  #part(node: AnyNode): Kind {
    if (node.type !== "SpreadElement") return this.#nested(node);
    const kind = this.#evaluate(node.argument);
    if (kind === "record" || kind === "flat") return kind;
    throw unknown(node);
  }

  #propertyValue(node: Property): Kind {
    if (node.kind !== "init") return "function";
    if (node.computed) this.#primitive(node.key);
    if (!node.computed && node.key.type === "Identifier" && node.key.name === "__proto__") throw unknown(node);
    return this.#nested(node.value);
  }

  /** A value inside of a literal. */
  #nested(node: AnyNode): Kind {
    const kind = this.#evaluate(node);
    if (kind === "lookup" || kind === "namespace") throw unknown(node);
    return isFree(kind) ? kind : "deep";
  }

  #call(node: CallExpression): Kind {
    const { callee, arguments: given } = node;
    const builtin = requiredBuiltin(node);
    if (builtin) return "builtin";
    if (isNamed(callee, "__toESM") && given[0]?.type === "CallExpression" && requiredBuiltin(given[0])) return "import";
    if (isEnum(node)) return this.#enum(callee as ArrowFunctionExpression, given[0]!);
    if (isMember(callee, "Object", "freeze") && given.length === 1) {
      const kind = this.#evaluate(given[0]!);
      // Frozen in place by a name, it can still be reached by that name: fine, nobody can write to it.
      return kind === "record" || kind === "flat" ? "constant" : kind;
    }
    if (isMember(callee, "Object", "keys") && given.length === 1) {
      this.#evaluate(given[0]!);
      return "record";
    }
    if (callee.type === "Identifier" && callee.name === "Symbol" && !this.kinds.has("Symbol")) return this.#constantFrom(given);
    if (isMember(callee, "Symbol", "for")) return this.#constantFrom(given);
    const converts = callee.type === "Identifier" && conversions.has(callee.name) && !this.kinds.has(callee.name);
    const calculates =
      callee.type === "MemberExpression" && (isNamed(callee.object, "Math") || isNamed(callee.object, "Number")) && !callee.computed;
    if (calculates) this.#member(callee);
    if (!converts && !calculates) throw unknown(node);
    for (const argument of given) this.#primitive(argument);
    return "primitive";
  }

  #constantFrom(given: readonly AnyNode[]): Kind {
    for (const argument of given) this.#primitive(argument);
    return "constant";
  }

  #new({ callee, arguments: given }: NewExpression): Kind {
    if (callee.type !== "Identifier" || this.kinds.has(callee.name)) throw unknown(callee);
    const { name } = callee;
    if (name === "TextEncoder" && given.length === 0) return "constant";
    const isEmpty = given.length === 0 || (given.length === 1 && given[0]!.type === "Literal" && given[0]!.value === 0);
    if (name === "Uint8Array" && isEmpty) return "constant";
    if (!Object.hasOwn(lookingMethods, name)) throw unknown(callee);
    for (const argument of given) this.#entries(name, argument);
    return "lookup";
  }

  /** What a Map or a Set holds: primitives, functions and constants only. */
  #entries(name: string, node: AnyNode): void {
    const pairs = name === "Map" && node.type === "ArrayExpression" ? node.elements : [node];
    for (const pair of pairs) {
      const kind = pair === null ? "primitive" : this.#evaluate(pair);
      if (kind !== "primitive" && kind !== "record" && kind !== "flat") throw unknown(node);
    }
    if (name === "Map" && node.type !== "ArrayExpression") throw unknown(node);
  }

  /** TypeScript's enum, as esbuild writes it: `((E2) => { E2[E2["A"] = 0] = "A"; ...; return E2; })(E || {})`. */
  #enum(body: ArrowFunctionExpression, argument: AnyNode): Kind {
    const own = (body.params[0] as Identifier).name;
    const isOwnMember = (node: AnyNode): node is MemberExpression => node.type === "MemberExpression" && isNamed(node.object, own);
    const statements = body.body.type === "BlockStatement" ? body.body.body : [];
    for (const statement of statements.slice(0, -1)) {
      const assignment = statement.type === "ExpressionStatement" ? statement.expression : undefined;
      if (assignment?.type !== "AssignmentExpression" || !isOwnMember(assignment.left)) throw unknown(statement);
      const { property } = assignment.left;
      if (property.type === "AssignmentExpression") {
        if (!isOwnMember(property.left)) throw unknown(property);
        this.#primitive(property.right);
      }
      this.#primitive(assignment.right);
    }
    const last = statements.at(-1);
    if (last?.type !== "ReturnStatement" || !last.argument || !isNamed(last.argument, own)) throw unknown(body);
    // What it adds to must be its own, and new.
    const { left, right } = argument as LogicalExpression;
    if (left.type !== "Identifier" || this.kinds.has(left.name) || right.type !== "ObjectExpression" || right.properties.length > 0)
      throw unknown(argument);
    this.accounted.add(left);
    return "record";
  }

  #class({ superClass, body }: Class): void {
    if (superClass) this.#superClass(superClass);
    for (const member of body.body) {
      if (member.type === "StaticBlock") throw unknown(member);
      if (member.computed) this.#evaluate(member.key);
      if (member.type === "MethodDefinition" || !member.static) continue;
      if (member.key.type === "PrivateIdentifier") throw new NotProven(`the class has a private static field #${member.key.name}`);
      if (member.value && !isFree(this.#evaluate(member.value))) throw unknown(member);
      if (member.key.type === "Identifier") this.staticFields.add(member.key.name);
      else if (member.key.type === "Literal") this.staticFields.add(String(member.key.value));
      else throw unknown(member);
    }
  }

  #superClass(node: Expression): void {
    if (node.type === "Identifier" && !this.kinds.has(node.name) && baseClasses.has(node.name)) return;
    const kind = this.#evaluate(node);
    if (kind !== "function" && kind !== "constant" && !isOfNode(kind)) throw unknown(node);
  }
}

function unknown(node: AnyNode): NotProven {
  return new NotProven(`${node.type} at offset ${node.start} whose effect is not known`);
}

/** Of `new Map(...)` or `Object.freeze(new Map(...))`. */
function constructorOf(node: NewExpression | CallExpression): string {
  return node.type === "NewExpression" ? (node.callee as Identifier).name : constructorOf(node.arguments[0] as NewExpression);
}

export function isNamed(node: AnyNode, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

function isMember(node: AnyNode, object: string, property: string): boolean {
  return node.type === "MemberExpression" && !node.computed && isNamed(node.object, object) && isNamed(node.property, property);
}

/** `exports` or `module.exports`. */
export function isExports(node: AnyNode): boolean {
  return isNamed(node, "exports") || isMember(node, "module", "exports");
}

function isEnvironment(node: AnyNode): boolean {
  return isMember(node, "process", "env");
}

/** `require("node:fs")` */
export function requiredBuiltin(node: CallExpression): boolean {
  const [name] = node.arguments;
  return isNamed(node.callee, "require") && name?.type === "Literal" && typeof name.value === "string" && isBuiltin(name.value);
}

/** `__toCommonJS(names)`: the whole of a module's exports. */
function isToCommonJs(node: AnyNode): node is CallExpression {
  return node.type === "CallExpression" && isNamed(node.callee, "__toCommonJS") && node.arguments[0]?.type === "Identifier";
}

/** `Object.defineProperty(exports, "__esModule", { value: true })` */
function isMarkOfModule({ callee, arguments: [target, name] }: CallExpression): boolean {
  if (!isMember(callee, "Object", "defineProperty") || target === undefined || !isNamed(target, "exports")) return false;
  return name?.type === "Literal" && name.value === "__esModule";
}

function isEnum({ callee, arguments: [argument] }: CallExpression): boolean {
  return (
    callee.type === "ArrowFunctionExpression" &&
    callee.params.length === 1 &&
    callee.params[0]!.type === "Identifier" &&
    argument?.type === "LogicalExpression"
  );
}
