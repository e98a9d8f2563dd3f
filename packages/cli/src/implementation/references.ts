import type { AnyNode, CallExpression } from "acorn";
import type { Names, Reference } from "./names.ts";
import { isExports, isFree, isNamed, type Kind, lookingMethods, NotProven, requiredBuiltin, type TopLevel } from "./top-level.ts";

/** Functions of the language that write to their first argument. */
const writers = new Set(["assign", "defineProperty", "defineProperties", "setPrototypeOf", "set", "deleteProperty", "preventExtensions"]);
/** Functions of `Object`, `Array` and `JSON` that take an object apart and keep nothing of it that could be written to. */
const readers = new Set(["keys", "values", "entries", "isArray", "stringify", "freeze", "isFrozen", "hasOwn", "getOwnPropertyNames"]);
/** Methods of arrays that neither change the array nor return it. */
const readingMethods = new Set(
  "at concat every filter find findIndex findLast findLastIndex flat forEach includes indexOf join lastIndexOf map reduce reduceRight slice some toReversed toSorted toSpliced toString with hasOwnProperty".split(
    " ",
  ),
);
const changingMethods = new Set(["push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin"]);
/** Names under which the global object can be reached as a whole. */
const wholeGlobals = new Set(["globalThis", "global", "self"]);

/**
 * Judges every use of what lives as long as the module. Throws NotProven at the first one that could leave something behind. Returns the names of what
 * could still be changed in a roundabout way: objects, and functions that someone gets hold of; those that are only called cannot.
 */
export function checkReferences(names: Names, topLevel: TopLevel): ReadonlySet<string> {
  const handedOn = new Set<string>();
  const exported = exportedOnly(names, topLevel);
  for (const reference of names.references) {
    if (topLevel.accounted.has(reference.node) || exported.has(reference.node)) continue;
    const { scope, name } = reference;
    if (scope === undefined) checkGlobal(reference, names);
    else if (scope === names.top) {
      checkTop(reference, names, topLevel);
      if (!isCallee(reference.node, names) && !isMemberOfImport(reference, names, topLevel)) handedOn.add(name);
    }
    // A class that writes to itself by the name it has inside.
    else if (scope.isOwnName && scope.parent === names.top) {
      checkNotWritten(reference, names, name);
      if (!isCallee(reference.node, names)) handedOn.add(outerName(reference, names));
    }
  }
  return handedOn;
}

/** The name that a function or class has outside, of which this is the name inside. */
function outerName({ name, node }: Reference, names: Names): string {
  for (let inner: AnyNode = node, outer = names.parentOf(inner); outer !== undefined; inner = outer, outer = names.parentOf(inner)) {
    const isOwner = (inner.type === "ClassExpression" || inner.type === "FunctionExpression") && inner.id?.name === name;
    if (isOwner && outer.type === "VariableDeclarator" && outer.id.type === "Identifier") return outer.id.name;
  }
  return name;
}

function isCallee(node: AnyNode, names: Names): boolean {
  const parent = names.parentOf(node)!;
  return parent.type === "CallExpression" && parent.callee === node;
}

/** `import_path.join`: hands on what a module of Node's holds, and not what holds it. */
function isMemberOfImport({ name, node }: Reference, names: Names, { kinds }: TopLevel): boolean {
  const parent = names.parentOf(node)!;
  return kinds.get(name) === "import" && parent.type === "MemberExpression" && parent.object === node;
}

/** Where the bundle's own exports name what they export: for us, who only read. If the code looks at its own exports too, nothing. */
function exportedOnly({ references, top }: Names, { entry, getters, accounted }: TopLevel): ReadonlySet<AnyNode> {
  if (entry === undefined) return new Set();
  const usesOwnExports = references.some(({ name, scope, node }) => scope === top && name === entry && !accounted.has(node));
  return new Set(usesOwnExports ? [] : getters.get(entry));
}

function checkTop(reference: Reference, names: Names, topLevel: TopLevel): void {
  const { name, node } = reference;
  const kind = topLevel.kinds.get(name);
  if (kind === undefined) throw new NotProven(`'${name}' is of an unknown kind`);
  checkNotWritten(reference, names, name);
  if (kind === "lookup") {
    if (!isLook(node, names, topLevel.lookups.get(name)!)) throw new NotProven(`'${name}' could be changed`);
  } else if (!isFree(kind) && !isRead(node, names, kind)) {
    throw new NotProven(`'${name}' is an object that could be written to by whoever gets it`);
  }
}

function checkGlobal(reference: Reference, names: Names): void {
  const { name, node } = reference;
  const parent = names.parentOf(node)!;
  if (name === "this" || name === "arguments") throw new NotProven(`'${name}' at the top level`);
  if (name === "eval" || name === "Function") throw new NotProven(`'${name}' runs code that cannot be seen`);
  if (name === "require") {
    if (parent.type !== "CallExpression" || parent.callee !== node || !requiredBuiltin(parent))
      throw new NotProven("'require' of something that is not known");
  } else if (name === "exports" || name === "module") {
    if (!isReadOfExport(node, names)) throw new NotProven(`'${name}' is used beyond exporting`);
  } else if (wholeGlobals.has(name) && !(parent.type === "MemberExpression" && parent.object === node && !parent.computed)) {
    throw new NotProven(`'${name}' is used as a whole`);
  }
  checkNotWritten(reference, names, name);
}

/** `exports.name`: only constants are ever exported that way. */
function isReadOfExport(node: AnyNode, names: Names): boolean {
  const parent = names.parentOf(node)!;
  const whole = isExports(node) ? node : parent;
  if (!isExports(whole)) return false;
  const member = names.parentOf(whole)!;
  return member.type === "MemberExpression" && member.object === whole;
}

/** Neither the variable nor a property of what it holds, however deep, is assigned, deleted or defined. */
function checkNotWritten({ node }: Reference, names: Names, name: string): void {
  let whole: AnyNode = node;
  let parent = names.parentOf(whole)!;
  while ((parent.type === "MemberExpression" && parent.object === whole) || parent.type === "ChainExpression") {
    whole = parent;
    parent = names.parentOf(whole)!;
  }
  if (isWritten(whole, parent, names)) throw new NotProven(`'${name}' is written to`);
  if (parent.type === "CallExpression" && parent.arguments[0] === whole && isWriter(parent)) {
    throw new NotProven(`'${name}' is given to a function that writes to it`);
  }
}

function isWritten(node: AnyNode, parent: AnyNode, names: Names): boolean {
  switch (parent.type) {
    case "AssignmentExpression":
    case "ForInStatement":
    case "ForOfStatement":
    case "AssignmentPattern":
      return parent.left === node;
    case "UpdateExpression":
    case "RestElement":
    case "ArrayPattern":
      return true;
    case "UnaryExpression":
      return parent.operator === "delete";
    case "Property":
      return parent.value === node && names.parentOf(parent)!.type === "ObjectPattern";
    default:
      return false;
  }
}

function isWriter({ callee }: CallExpression): boolean {
  if (callee.type !== "MemberExpression" || callee.computed || callee.property.type !== "Identifier") return false;
  return (isNamed(callee.object, "Object") || isNamed(callee.object, "Reflect")) && writers.has(callee.property.name);
}

/** Whether an object is only looked at, so that nobody can have a part of it that could be written to. */
function isRead(node: AnyNode, names: Names, kind: Kind): boolean {
  const parent = names.parentOf(node)!;
  const isFlat = kind !== "deep";
  switch (parent.type) {
    case "MemberExpression":
      if (parent.object !== node) return true;
      return isReadOfMember(parent, names, kind);
    case "ChainExpression":
      return isRead(parent, names, kind);
    case "SpreadElement":
    case "ForOfStatement":
      return isFlat && kind !== "namespace";
    case "TemplateLiteral":
    case "ForInStatement":
    case "BinaryExpression":
    case "UnaryExpression":
    case "IfStatement":
    case "ExpressionStatement":
      return true;
    case "ConditionalExpression":
      return parent.test === node;
    case "VariableDeclarator":
      return isFlat && parent.id.type !== "Identifier";
    case "CallExpression":
      return parent.arguments.includes(node as never) && isReader(parent, isFlat);
    default:
      return false;
  }
}

function isReadOfMember(member: AnyNode & { type: "MemberExpression" }, names: Names, kind: Kind): boolean {
  const parent = names.parentOf(member)!;
  const isCalled = parent.type === "CallExpression" && parent.callee === member;
  const method = !member.computed && member.property.type === "Identifier" ? member.property.name : undefined;
  if (kind === "deep") return isCalled ? method === "includes" || method === "indexOf" || method === "join" : isRead(member, names, kind);
  // An array's own methods may change it; what is called on an object of functions may write to `this`, which the check after each run sees.
  if (isCalled && kind === "record") return method !== undefined && readingMethods.has(method);
  if (isCalled && kind === "flat") return method === undefined || !changingMethods.has(method);
  return true;
}

function isReader({ callee }: CallExpression, isFlat: boolean): boolean {
  if (callee.type !== "MemberExpression" || callee.computed || callee.property.type !== "Identifier") return false;
  const { object, property } = callee;
  if (object.type !== "Identifier" || !["Object", "Array", "JSON"].includes(object.name) || !readers.has(property.name)) return false;
  return isFlat || !["values", "entries", "freeze"].includes(property.name);
}

/** `lookup.get(key)`, `lookup.size`: a call of a method that only looks, with one argument. */
function isLook(node: AnyNode, names: Names, constructorName: string): boolean {
  const member = names.parentOf(node)!;
  if (member.type !== "MemberExpression" || member.object !== node || member.computed || member.property.type !== "Identifier")
    return false;
  if (member.property.name === "size") return true;
  const call = names.parentOf(member)!;
  if (call.type !== "CallExpression" || call.callee !== member || call.arguments.length !== 1) return false;
  return call.arguments[0]!.type !== "SpreadElement" && lookingMethods[constructorName]!.includes(member.property.name);
}
