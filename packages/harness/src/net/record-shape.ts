type AnyRecord = Record<string, unknown>;

/** The records of one kind, as met so far, and the fastest way to copy them. */
export interface RecordShape {
  /** A shallow copy of a record of any shape; fast for the shape that this kind of record has. */
  clone(record: AnyRecord): AnyRecord;
}

/** Records of more shapes than this are no kind of their own: they are copied as they come. */
const maxShapes = 4;

/**
 * A shape that learns from the first records it copies. One piece of code that copies all messages would be slow: V8 specializes each place in
 * the code by the few shapes it sees there. So each kind of record gets a copier of its own, made of code that names its fields.
 */
export function newRecordShape(): RecordShape {
  let keys: readonly string[] = [];
  let copyKnown: (record: AnyRecord) => AnyRecord = () => ({});
  let learned = 0;
  const learn = (record: AnyRecord): void => {
    const names = Object.keys(record);
    // In a literal this name would set the prototype.
    if (names.includes("__proto__")) return;
    keys = names;
    const fields = names.map((name) => `${JSON.stringify(name)}: record[${JSON.stringify(name)}]`);
    copyKnown = new Function("record", `return { ${fields.join(", ")} };`) as typeof copyKnown;
  };
  return {
    clone(record) {
      if (hasKeys(record, keys)) return copyKnown(record);
      if (learned++ < maxShapes) learn(record);
      return anyShape.clone(record);
    },
  };
}

/** Whether the record has exactly these fields, in this order. */
function hasKeys(record: AnyRecord, keys: readonly string[]): boolean {
  let count = 0;
  for (const name in record) {
    if (keys[count++] !== name) return false;
  }
  return count === keys.length && count > 0;
}

/** For records of no known kind. Fields named by symbols do not travel: a spread would share what they hold. */
export const anyShape: RecordShape = {
  clone(record) {
    const copy: Record<PropertyKey, unknown> = { ...record };
    for (const symbol of Object.getOwnPropertySymbols(copy)) delete copy[symbol];
    return copy;
  },
};

/** For records within messages: the entries of AppendEntries, above all. */
export const elementShape = newRecordShape();
