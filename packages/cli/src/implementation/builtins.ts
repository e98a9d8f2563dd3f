import { createRequire, isBuiltin } from "node:module";

const require = createRequire(import.meta.url);

/** What the implementation gets when it requires one of Node's modules. Everything else it imports is part of its bundle. */
export function requireBuiltin(name: string): unknown {
  if (isBuiltin(name)) return require(name);
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
}
