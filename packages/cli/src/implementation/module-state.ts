import type { AnyNode, Program } from "acorn";
import { forEachChild, resolveNames } from "./names.ts";
import { checkReferences } from "./references.ts";
import { NotProven, TopLevel } from "./top-level.ts";

export type ModuleState =
  /** Nothing at the module's top level can change: one evaluation serves all servers. `watched` are the names of objects on which that can be checked. */
  | { readonly kind: "shared"; readonly watched: readonly string[] }
  /** It can, or it was not shown that it cannot: each server needs an evaluation of its own. */
  | { readonly kind: "isolated"; readonly because: string };

/**
 * Whether what a bundle keeps at its top level is constant. A module evaluated once for all is faster, because V8 has optimised its code; one evaluated
 * for each server cannot share anything between them. So only what is known to be harmless counts as constant: unknown means isolated.
 */
export function moduleState(program: Program): ModuleState {
  try {
    const topLevel = new TopLevel(program);
    const handedOn = checkReferences(resolveNames(program), topLevel);
    checkProperties(program, topLevel.staticFields);
    return { kind: "shared", watched: [...watchedNames(topLevel, handedOn)] };
  } catch (error) {
    if (error instanceof NotProven) return { kind: "isolated", because: error.message };
    if (error instanceof RangeError) return { kind: "isolated", because: "the code is nested too deeply" };
    throw error;
  }
}

/** Functions, classes and objects that code can get hold of; esbuild's own helpers are out of reach for the user's code. */
function* watchedNames({ kinds, lookups }: TopLevel, handedOn: ReadonlySet<string>): Generator<string> {
  for (const [name, kind] of kinds) {
    if (kind === "primitive" || kind === "builtin" || kind === "namespace") continue;
    // Nobody gets hold of it, nor of anything within.
    if (lookups.get(name) === "TextDecoder") continue;
    if (!name.startsWith("__") && handedOn.has(name)) yield name;
  }
}

/** No code writes a property that has the name of a class's own field, and none changes what names mean. */
function checkProperties(node: AnyNode, staticFields: ReadonlySet<string>): void {
  if (isReachingBack(node)) throw new NotProven("'callee' and 'caller' reach functions by no name");
  if (node.type === "WithStatement") throw new NotProven("'with' changes what names mean");
  const target = node.type === "AssignmentExpression" ? node.left : node.type === "UpdateExpression" ? node.argument : undefined;
  if (target?.type === "MemberExpression" && !target.computed && target.property.type === "Identifier") {
    if (staticFields.has(target.property.name))
      throw new NotProven(`something writes a property '${target.property.name}', as a class's own field is called`);
  }
  forEachChild(node, (child) => checkProperties(child, staticFields));
}

/** `arguments.callee` and its like. */
function isReachingBack(node: AnyNode): boolean {
  if (node.type !== "MemberExpression" || node.computed || node.property.type !== "Identifier") return false;
  return node.property.name === "callee" || node.property.name === "caller";
}
