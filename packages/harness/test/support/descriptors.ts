interface Named {
  readonly object: object;
  readonly name: string;
}

interface State extends Named {
  readonly prototype: object | null;
  readonly properties: readonly { readonly key: PropertyKey; readonly descriptor: PropertyDescriptor }[];
}

/** Every own property of each object in its order, and the object's prototype. */
export function statesOf(objects: readonly Named[]): State[] {
  return objects.map(({ object, name }) => ({
    object,
    name,
    prototype: Object.getPrototypeOf(object) as object | null,
    properties: Reflect.ownKeys(object).map((key) => ({ key, descriptor: Object.getOwnPropertyDescriptor(object, key)! })),
  }));
}

const attributes = ["value", "get", "set", "writable", "enumerable", "configurable"] as const;

/** In words, every way in which the objects of `before` are not as they were. */
export function differences(before: readonly State[]): string[] {
  const now = statesOf(before);
  return before.flatMap((then, i) => {
    const { name, prototype, properties } = now[i]!;
    const found: string[] = [];
    if (prototype !== then.prototype) found.push(`${name}: another prototype`);
    const keys = properties.map(({ key }) => key);
    const added = keys.filter((key) => !then.properties.some((property) => property.key === key));
    found.push(...added.map((key) => `${name}: ${String(key)} added`));
    for (const { key, descriptor } of then.properties) {
      const present = properties.find((property) => property.key === key)?.descriptor;
      if (present === undefined) found.push(`${name}: ${String(key)} is missing`);
      else
        found.push(
          ...attributes
            .filter((attribute) => !Object.is(present[attribute], descriptor[attribute]))
            .map((attribute) => `${name}: ${String(key)} has another ${attribute}`),
        );
    }
    return found;
  });
}
