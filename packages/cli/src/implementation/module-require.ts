import type { BundleText, Edit } from "./bundle-text.ts";
import { isNamed } from "./top-level.ts";

const made = "{ exports: {} }";

/**
 * Gives each CommonJS module the `module.require` that it has in Node and that esbuild leaves out. Packages ask for it, and do things that no run may where
 * there is none: lodash calls `process.binding`.
 */
export function moduleRequire({ program, code }: BundleText): Edit[] {
  for (const statement of program.body) {
    if (statement.type !== "VariableDeclaration" || !statement.declarations.some(({ id }) => isNamed(id, "__commonJS"))) continue;
    const start = code.indexOf(made, statement.start);
    if (start < 0 || start > statement.end) return [];
    return [{ start, end: start + made.length, text: "{ exports: {}, require }" }];
  }
  return [];
}
