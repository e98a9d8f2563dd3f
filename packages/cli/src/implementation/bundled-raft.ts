import type { BuiltinImport } from "./builtin-imports.ts";
import type { ModuleState } from "./module-state.ts";

/** A Raft under test as one script: what the command's thread makes of a file, and its worker threads evaluate. Plain data. */
export interface BundledRaft {
  /** What stacks call the script; no file has such a name. */
  readonly scriptName: string;
  /** CommonJS, every import in it but Node's own modules. */
  readonly code: string;
  /** Code of ours that runs before it, in the same scope: one line without an end. It calls `__raft`. */
  readonly head: string;
  /** Source map of `code`, as JSON; its sources are absolute paths. */
  readonly map: string;
  /** Whether ECMAScript modules went into it, which are strict without saying so. */
  readonly strict: boolean;
  readonly state: ModuleState;
  /** Where in `code` an export is declared: `line:column`, by its name. */
  readonly declarations: Readonly<Record<string, string>>;
  /** What functions and classes that `code` has renamed are called in their sources, by their names in `code`. */
  readonly ownNames: Readonly<Record<string, string>>;
  readonly builtinImports: readonly BuiltinImport[];
  /** What the user should know though it can be loaded, a sentence each. */
  readonly warnings: readonly string[];
}
