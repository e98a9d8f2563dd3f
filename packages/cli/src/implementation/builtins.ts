import { isBuiltin } from "node:module";

/**
 * The `require` of an implementation: of Node's modules, by `builtin`. Everything else that it imports is part of its bundle. Throws as Node does for
 * what is no module.
 */
export function requireFor(builtin: (name: string) => unknown): (name: string) => unknown {
  return (name) => {
    if (isBuiltin(name)) return builtin(name);
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
  };
}
