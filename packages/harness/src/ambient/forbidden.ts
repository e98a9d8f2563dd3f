import { currentWorld, refuse } from "./world.ts";

const why = "what lies outside of the run cannot be made to repeat (only --clock real allows it)";

type AnyFunction = (...args: unknown[]) => unknown;

/**
 * A function that fails the run of whoever calls or constructs it. `name`: how users write the call, without the parentheses. `real`: what it stands
 * for between runs, when the thread is our own and Node's.
 */
export function forbiddenFunction(name: string, real: AnyFunction = () => refuse(`called ${name}()`, why)): AnyFunction {
  return function forbidden(this: unknown, ...args: unknown[]) {
    if (currentWorld() !== undefined) return refuse(`called ${new.target === undefined ? "" : "new "}${name}()`, why);
    return new.target === undefined ? Reflect.apply(real, this, args) : Reflect.construct(real, args);
  };
}

/**
 * A stand-in for a namespace of functions: those that `allowed` does not name fail the run of whoever calls them; constants stay. Importing such a
 * module is no offence: many libraries import what they call only elsewhere.
 */
export function forbiddenNamespace(name: string, real: object, allowed: (member: string) => boolean = () => false): object {
  const stand: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(real)) {
    const value = memberOf(real, key);
    if (allowed(key)) stand[key] = value;
    else if (typeof value === "function") stand[key] = forbiddenFunction(`${name}.${key}`);
    else if (key === "default" || value === real) stand[key] = stand;
    else if (typeof value === "object" && value !== null && hasFunctions(value)) stand[key] = forbiddenNamespace(`${name}.${key}`, value);
    else stand[key] = value;
  }
  return stand;
}

/** Some members of Node's modules are getters that warn or throw. */
function memberOf(real: object, key: string): unknown {
  const { value, get } = Object.getOwnPropertyDescriptor(real, key)!;
  if (get === undefined) return value;
  try {
    return get.call(real);
  } catch {
    return undefined;
  }
}

function hasFunctions(value: object): boolean {
  return Object.getOwnPropertyNames(value).some((key) => typeof Object.getOwnPropertyDescriptor(value, key)!.value === "function");
}
