/** Whether a value may not be part of a message, wherever in it. */
function isUnsendable(value: unknown): boolean {
  return typeof value === "function" || typeof value === "symbol" || value instanceof Promise;
}

const maxVisited = 100_000;

/**
 * The path of the first part of a value that cannot be sent, as code names it: `entries[2].done`. Undefined when the value itself is that part, or none is
 * found. For the message of an error only: it goes through the value once more.
 */
export function placeOfUnsendable(value: unknown): string | undefined {
  const seen = new Set<unknown>();
  const search = (part: unknown, path: string): string | undefined => {
    if (isUnsendable(part)) return path;
    if (typeof part !== "object" || part === null || ArrayBuffer.isView(part) || seen.has(part) || seen.size > maxVisited) return undefined;
    seen.add(part);
    for (const [name, inner] of membersOf(part)) {
      const found = search(inner, join(path, name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(value, "") || undefined;
}

function membersOf(part: object): [string | number, unknown][] {
  if (Array.isArray(part) || part instanceof Set) return [...part].map((inner, index) => [index, inner]);
  if (part instanceof Map) return [...part].flat().map((inner, index) => [index, inner]);
  return Object.entries(part);
}

function join(path: string, name: string | number): string {
  if (typeof name === "number") return `${path}[${name}]`;
  return path === "" ? name : `${path}.${name}`;
}
