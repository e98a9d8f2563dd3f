import { Script } from "node:vm";
import { type BundleHelpers, bundleHelpers } from "./bundle-helpers.ts";
import type { BundledRaft } from "./bundled-raft.ts";

export interface Evaluation {
  /** `module.exports` */
  readonly exports: unknown;
  /** The objects that the bundle keeps at its top level, as far as it was asked for them. */
  readonly kept: readonly object[];
}

type Wrapped = (
  this: unknown,
  module: { exports: unknown },
  exports: unknown,
  require: (name: string) => unknown,
  helpers: BundleHelpers,
) => readonly object[] | undefined;

/** Compiles a bundle; `requireBuiltin` gives it Node's modules. Each call of the result evaluates it, with module-level state of its own. Throws SyntaxError, and the result what the module throws. */
export function compile(
  { code, head, scriptName, strict, state }: BundledRaft,
  requireBuiltin: (name: string) => unknown,
): () => Evaluation {
  const watched = state.kind === "shared" ? state.watched.join(", ") : "";
  const text = `(function (module, exports, require, __raft) {${strict ? '"use strict";' : ""}${head}\n${code}\nreturn [${watched}];\n})`;
  // The first line of the bundle is line 1 of the script.
  const script = new Script(text, { filename: scriptName, lineOffset: -1 });
  // One function for all evaluations: V8 then keeps what it has learned about the code, though every closure is a new one.
  const wrapped = script.runInThisContext() as Wrapped;
  return () => {
    const module = { exports: {} as unknown, require: requireBuiltin };
    const kept = wrapped.call(module.exports, module, module.exports, requireBuiltin, bundleHelpers) ?? [];
    return { exports: module.exports, kept };
  };
}
