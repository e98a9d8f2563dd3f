/** The language of every server, whatever the machine's is. The time zone is the process's own: see `installAmbient`. */
const locale = "en-US";

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Methods whose first (or, for localeCompare, second) argument is a locale, with the machine's as its default. */
function localized(): (readonly [prototype: object, method: string, position: number])[] {
  return [
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
    ...temporalPrototypes().map((prototype) => [prototype, "toLocaleString", 0] as const),
  ];
}

/** Of `Temporal`, which Node has from version 26 on. */
function temporalPrototypes(): object[] {
  const temporal = (Reflect.get(globalThis, "Temporal") ?? {}) as object;
  const members = Object.getOwnPropertyNames(temporal).map((name) => Reflect.get(temporal, name) as unknown);
  return members.filter((member) => typeof member === "function").map(({ prototype }) => prototype as object);
}

/** Replacements of built-in properties: each has an owner, a name and a value. */
export type Replacement = readonly [owner: object, name: string, value: unknown];

/** The locales asked for, then ours: what Intl has none of falls back to it and not to the machine's. What is no list of locales is left for Intl to refuse. */
function withDefault(locales: unknown): unknown {
  if (locales === undefined) return locale;
  if (Array.isArray(locales)) return [...(locales as unknown[]), locale];
  return typeof locales === "string" || locales instanceof Intl.Locale ? [locales, locale] : locales;
}

export function fixedLocale(presentMs: () => number): Replacement[] {
  const replacements: Replacement[] = localized().map(([prototype, name, position]) => {
    const real = Reflect.get(prototype, name) as Method;
    const fixed = function (this: unknown, ...args: unknown[]): unknown {
      while (args.length < position) args.push(undefined);
      args[position] = withDefault(args[position]);
      return real.apply(this, args);
    };
    return [prototype, name, Object.defineProperties(fixed, { name: { value: name }, length: { value: real.length } })];
  });
  for (const name of Object.getOwnPropertyNames(Intl)) {
    const real: unknown = Reflect.get(Intl, name);
    if (typeof real !== "function" || !/^[A-Z]/.test(name) || name === "Locale") continue;
    const simulated = withLocale(real);
    replacements.push([Intl, name, simulated], [real.prototype as object, "constructor", simulated]);
  }
  replacements.push(...presentByDefault(presentMs), ...timeZoneInEnglish());
  return replacements;
}

/** The constructor with our locale as its default. It shares its prototype with the real one, so that `instanceof` holds. */
function withLocale(real: object): object {
  const localized = ([locales, ...rest]: unknown[]): unknown[] => [withDefault(locales), ...rest];
  return new Proxy(real as () => unknown, {
    apply: (target, self, args: unknown[]) => Reflect.apply(target, self, localized(args)),
    construct: (target, args: unknown[], newTarget) => Reflect.construct(target, localized(args), newTarget) as object,
  });
}

/** `Wed Jan 01 2020 00:00:00 GMT+0000 (Coordinated Universal Time)`, whose last words V8 writes in the language of the machine. */
function timeZoneInEnglish(): Replacement[] {
  return ["toString", "toTimeString"].map((name) => {
    const real = Reflect.get(Date.prototype, name) as () => string;
    const fixed = function (this: unknown): string {
      return Reflect.apply(real, this, []).replace(/ GMT\+0000 \(.*\)$/, " GMT+0000 (Coordinated Universal Time)");
    };
    return [Date.prototype, name, Object.defineProperty(fixed, "name", { value: name })];
  });
}

/** A format without a date means the present. */
function presentByDefault(presentMs: () => number): Replacement[] {
  const { prototype } = Intl.DateTimeFormat;
  const format = Object.getOwnPropertyDescriptor(prototype, "format")!.get!;
  const getter = {
    get(this: unknown): unknown {
      const formatDate = format.call(this) as (date?: unknown) => string;
      return (date?: unknown) => formatDate(date === undefined ? presentMs() : date);
    },
  };
  const parts = prototype.formatToParts as unknown as Method;
  const toParts = function (this: unknown, date?: unknown): unknown {
    return parts.call(this, date === undefined ? presentMs() : date);
  };
  return [
    [prototype, "format", Object.getOwnPropertyDescriptor(getter, "get")!.value],
    [prototype, "formatToParts", toParts],
  ];
}
