import process from "node:process";
import type { AnyNode, CallExpression, Expression } from "acorn";
import type { BundleText } from "./bundle-text.ts";
import type { BundledRaft } from "./bundled-raft.ts";
import { NotLoaded } from "./load-error.ts";
import { isNamed, requiredBuiltin } from "./top-level.ts";

/** `import { name } from "module"`, where the module is one of Node's. */
export interface BuiltinImport {
  readonly module: string;
  readonly name: string;
  /** `line:column` in the bundle. */
  readonly place: string;
}

/** The named imports of Node's modules. `import * as path` is none: what it is asked for may be missing. */
export function builtinImports(text: BundleText): BuiltinImport[] {
  const modules = new Map<string, CallExpression>();
  const found = new Map<string, BuiltinImport>();
  const ofTypes = new Set<AnyNode>();
  for (const statement of text.program.body) {
    if (statement.type !== "VariableDeclaration") continue;
    for (const { id, init } of statement.declarations) {
      const call = init ? requireOf(init) : undefined;
      // As esbuild names what only has named imports.
      if (call && id.type === "Identifier" && id.name.startsWith("import_")) modules.set(id.name, call);
    }
  }
  for (const node of text.nodes()) {
    if (node.type === "CallExpression" && isNamed(node.callee, "__export")) for (const passed of passedOn(node)) ofTypes.add(passed);
    if (node.type !== "MemberExpression" || node.computed || node.object.type !== "Identifier" || ofTypes.has(node)) continue;
    const call = modules.get(node.object.name);
    if (call === undefined || node.property.type !== "Identifier" || node.property.name === "default") continue;
    const module = String((call.arguments[0] as { readonly value?: unknown }).value);
    const { name } = node.property;
    const key = `${module} ${name}`;
    if (!found.has(key)) found.set(key, { module, name, place: text.placeOf(node) });
  }
  return [...found.values()];
}

/** What is exported again: TypeScript allows it for a type, which is nothing once it runs. */
function passedOn({ arguments: [, getters] }: CallExpression): AnyNode[] {
  if (getters?.type !== "ObjectExpression") return [];
  return getters.properties.flatMap((getter) =>
    getter.type === "Property" && getter.value.type === "ArrowFunctionExpression" ? [getter.value.body] : [],
  );
}

/** `require("node:path")`, `__toESM(require("node:path"))` */
function requireOf(node: Expression): CallExpression | undefined {
  if (node.type !== "CallExpression") return undefined;
  const [first] = node.arguments;
  const call = isNamed(node.callee, "__toESM") && first?.type === "CallExpression" ? first : node;
  return requiredBuiltin(call) ? call : undefined;
}

/** Throws NotLoaded for what a module of this Node does not export, as Node does. In a script it is undefined, and shows when it is used, if ever. */
export function checkBuiltinImports({ builtinImports, scriptName }: BundledRaft): void {
  for (const { module, name, place } of builtinImports) {
    const exports = process.getBuiltinModule(module) as object | undefined;
    if (exports !== undefined && !(name in exports))
      throw new NotLoaded(`cannot be loaded: ${scriptName}:${place}: No matching export in "${module}" for import "${name}"`);
  }
}
