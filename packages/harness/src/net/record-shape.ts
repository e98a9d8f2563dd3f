type AnyRecord = Record<string, unknown>;

/** Copies what a field holds; `name` is the `nameHash` of the field. */
type CopyField = (value: unknown, name: number, depth: number, describes: boolean) => unknown;

/** What copying and measuring a record of given fields needs to know of them. */
interface RecordCode {
  readonly keys: readonly string[];
  /** Bytes that describe the record's type. */
  readonly typeBytes: number;
  /** Copies the fields in order, each by `copyField`. Undefined, and nothing was copied, for an object that is no record, or one of other fields. */
  copyFields(object: object, copyField: CopyField, depth: number, describes: boolean): AnyRecord | undefined;
}

/** Bytes that describe a record type, beside its field names. */
const recordTypeBytes = 20;
/** Bytes that describe one field of a record type, beside its name. */
const fieldTypeBytes = 5;
/** Records of more shapes than this are no kind of their own: they are copied as they come. */
const maxShapes = 4;
/** Code that is kept for each kind of record beyond the run that it was made in. */
const maxCodes = 16;

/**
 * The records of one kind, as met so far in a run. One piece of code that copies all messages would be slow: V8 specializes each place in the code by the
 * few shapes it sees there. So each kind of record gets code of its own that names its fields.
 */
export class RecordShape {
  /** For the records that were met last; undefined before the first one. */
  latest: RecordCode | undefined = undefined;
  private learned = 0;
  private readonly codes: RecordCode[] = [];

  /**
   * To be called at the beginning of a run. Getters and proxies can tell in which way they are read; it must not depend on the runs that a thread has
   * made before.
   */
  forget(): void {
    this.latest = undefined;
    this.learned = 0;
  }

  /** Code for a record that the latest is not for; undefined if the kind has had records of too many shapes. */
  learn(record: AnyRecord): RecordCode | undefined {
    if (this.learned++ >= maxShapes) return undefined;
    const learnt = this.codeForKeys(Object.keys(record));
    if (learnt !== undefined) this.latest = learnt;
    return learnt;
  }

  private codeForKeys(keys: readonly string[]): RecordCode | undefined {
    const known = this.codes.find((code) => areEqual(code.keys, keys));
    if (known !== undefined) return known;
    const code = codeForKeys(keys);
    if (this.codes.length >= maxCodes) this.codes.length = 0;
    if (code !== undefined) this.codes.push(code);
    return code;
  }
}

function areEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, i) => key === other[i]);
}

function codeForKeys(keys: readonly string[]): RecordCode | undefined {
  // In a literal this name would set the prototype.
  if (keys.includes("__proto__")) return undefined;
  const quoted = keys.map((name) => JSON.stringify(name));
  const reads = quoted.map((name, i) => `const field${i} = record[${name}];`);
  const copies = quoted.map((name, i) => `${name}: copyField(field${i}, ${nameHash(keys[i]!)}, depth, describes)`);
  // The prototype is asked for right after the fields are read: there V8 knows the object's shape, and so the answer. Elsewhere it is a call into V8's runtime.
  const code = `return function (record, copyField, depth, describes) {
    let count = 0;
    for (const name in record) if (keys[count++] !== name) return undefined;
    if (count !== ${keys.length}) return undefined;
    ${reads.join(" ")}
    return getPrototypeOf(record) === recordPrototype ? { ${copies.join(", ")} } : undefined;
  }`;
  const copyFields = new Function("keys", "recordPrototype", "getPrototypeOf", code)(keys, Object.prototype, Object.getPrototypeOf);
  return { keys, typeBytes: typeBytes(keys), copyFields };
}

/** Bytes that describe the type of a record of these fields. */
export function typeBytes(keys: readonly string[]): number {
  return keys.reduce((sum, name) => sum + name.length + fieldTypeBytes, recordTypeBytes);
}

/** Tells the field names of a message apart, mostly: length, first and last character. */
export function nameHash(name: string): number {
  const { length } = name;
  return Math.imul((length << 16) ^ (name.charCodeAt(0) << 8) ^ name.charCodeAt(length - 1), 0x9e3779b1);
}

/** For records within messages: the entries of AppendEntries, above all. */
export const elementShape = new RecordShape();
