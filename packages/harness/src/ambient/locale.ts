/** The language of every server, whatever the machine's is. The time zone is the process's own: see `installAmbient`. */
const locale = "en-US";

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Methods whose first (or, for localeCompare, second) argument is a locale, with the machine's as its default. */
const localized: readonly [prototype: object, method: string, position: number][] = [
  [Number.prototype, "toLocaleString", 0],
  [BigInt.prototype, "toLocaleString", 0],
  [Date.prototype, "toLocaleString", 0],
  [Date.prototype, "toLocaleDateString", 0],
  [Date.prototype, "toLocaleTimeString", 0],
  [Array.prototype, "toLocaleString", 0],
  [Object.getPrototypeOf(Uint8Array.prototype) as object, "toLocaleString", 0],
  [String.prototype, "localeCompare", 1],
  [String.prototype, "toLocaleUpperCase", 0],
  [String.prototype, "toLocaleLowerCase", 0],
];

/** Replacements of built-in properties: each has an owner, a name and a value. */
export type Replacement = readonly [owner: object, name: string, value: unknown];

export function fixedLocale(presentMs: () => number): Replacement[] {
  const replacements: Replacement[] = localized.map(([prototype, name, position]) => {
    const real = Reflect.get(prototype, name) as Method;
    const fixed = function (this: unknown, ...args: unknown[]): unknown {
      while (args.length < position) args.push(undefined);
      args[position] ??= locale;
      return real.apply(this, args);
    };
    return [prototype, name, Object.defineProperty(fixed, "name", { value: name })];
  });
  for (const name of Object.getOwnPropertyNames(Intl)) {
    const real: unknown = Reflect.get(Intl, name);
    if (typeof real === "function" && /^[A-Z]/.test(name) && name !== "Locale") replacements.push([Intl, name, withLocale(real)]);
  }
  replacements.push(...presentByDefault(presentMs));
  return replacements;
}

/** The constructor with our locale as its default. It shares its prototype with the real one, so that `instanceof` holds. */
function withLocale(real: object): object {
  const localized = (args: unknown[]): unknown[] => [args[0] ?? locale, ...args.slice(1)];
  return new Proxy(real as () => unknown, {
    apply: (target, self, args: unknown[]) => Reflect.apply(target, self, localized(args)),
    construct: (target, args: unknown[], newTarget) => Reflect.construct(target, localized(args), newTarget) as object,
  });
}

/** A format without a date means the present. */
function presentByDefault(presentMs: () => number): Replacement[] {
  const { prototype } = Intl.DateTimeFormat;
  const format = Object.getOwnPropertyDescriptor(prototype, "format")!.get!;
  const getter = {
    get(this: unknown): unknown {
      const formatDate = format.call(this) as (date?: unknown) => string;
      return (date?: unknown) => formatDate(date ?? presentMs());
    },
  };
  const parts = prototype.formatToParts as unknown as Method;
  const toParts = function (this: unknown, date?: unknown): unknown {
    return parts.call(this, date ?? presentMs());
  };
  return [
    [prototype, "format", Object.getOwnPropertyDescriptor(getter, "get")!.value],
    [prototype, "formatToParts", toParts],
  ];
}
