import { isBuiltin } from "node:module";

/** What the code that we add to a bundle calls, as `__raft`. */
export interface BundleHelpers {
  /** Names a function or class `own` that is called `bundled`; one that has a member of that name is left alone. */
  named(target: object, bundled: string, own: string): void;
  /** The `import.meta.resolve` of a module. */
  resolveFrom(url: string): (specifier: string) => string;
}

export const bundleHelpers: BundleHelpers = {
  named(target, bundled, own) {
    const present = Object.getOwnPropertyDescriptor(target, "name");
    if (present?.value === bundled) Object.defineProperty(target, "name", { ...present, value: own });
  },
  resolveFrom(url) {
    return (specifier) => {
      if (isBuiltin(specifier)) return specifier.startsWith("node:") ? specifier : `node:${specifier}`;
      if (/^\.{0,2}\//.test(specifier) || URL.canParse(specifier)) return new URL(specifier, url).href;
      throw new Error(`import.meta.resolve('${specifier}'): a Raft is loaded as one script, in which only relative paths can be resolved`);
    };
  },
};
