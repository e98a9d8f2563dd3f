/** Where V8 begins to say why it ends the process. */
const beginning = /\n?(?:\n<--- Last few GCs --->|\n#\n# Fatal error|FATAL ERROR: )/;

/** What it says of memory; the rest of the line says where in V8. */
const outOfMemory = /^FATAL ERROR: (.*?)(?: Allocation failed)? - JavaScript heap out of memory/m;
const invalidSize = /^# Fatal JavaScript (invalid size error)/m;
/** The function of the language, or of V8's own, that was called. */
const builtin = /v8::internal::(?:Builtin_(\w+?)\(|Runtime_(\w+?)\()/;

/** Why V8 has ended a process. */
export interface Death {
  readonly ofMemory: boolean;
  /** In V8's own words. */
  readonly message: string;
}

/** Sorts what a process prints from what V8 prints when it ends the process, which users need not see. */
export class DeathCry {
  readonly #print: (text: string) => void;
  #held = "";

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  hear(text: string): void {
    if (this.#held !== "") {
      this.#held += text;
      return;
    }
    const at = text.search(beginning);
    if (at < 0) this.#print(text);
    else {
      if (at > 0) this.#print(text.slice(0, at));
      this.#held = text.slice(at);
    }
  }

  /** What the process died of, by what V8 said; undefined when it said nothing of the kind. */
  death(): Death | undefined {
    const fatal = outOfMemory.exec(this.#held) ?? invalidSize.exec(this.#held);
    if (fatal !== null) return { ofMemory: true, message: `${fatal[1]}${this.#calledBuiltin()}` };
    const error = /^(?:# |FATAL ERROR: )(?!Fatal error in)(.+)/m.exec(this.#held);
    return error === null ? undefined : { ofMemory: false, message: error[1]! };
  }

  #calledBuiltin(): string {
    const called = builtin.exec(this.#held);
    return called === null ? "" : ` in ${called[1] ?? called[2]}`;
  }

  /** The process has ended of something else: what was held back may be its users' own. */
  release(): void {
    if (this.#held !== "") this.#print(this.#held);
    this.#held = "";
  }
}
