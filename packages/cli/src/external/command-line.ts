import { UserError } from "../exit-codes.ts";
import { shellWord } from "../invocation.ts";

/** What is filled into an external command for one run. */
export interface Placeholders {
  readonly test: string;
  readonly seed: string;
  readonly iter: string;
}

/** Characters that mean something to a shell and nothing here. */
const operators = "|&;<>()`";

/**
 * The words of a command line as a POSIX shell would take them apart, without running one: quotes and backslashes are understood, variables, globs
 * and operators are not. Throws UserError for what only a shell could do.
 */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      const quoted = readQuoted(text, at, char);
      word = (word ?? "") + quoted.text;
      at = quoted.end;
    } else if (char === "\\") {
      at++;
      if (at < text.length) word = (word ?? "") + text[at]!;
    } else {
      if (operators.includes(char) || /^\$[\w({]/.test(text.slice(at))) throw needsShell(char);
      word = (word ?? "") + char;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new UserError("--exec must be a command line, got one without a word");
  return words;
}

function readQuoted(text: string, start: number, quote: string): { readonly text: string; readonly end: number } {
  let content = "";
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === quote) return { text: content, end: at };
    if (quote === '"' && char === "\\" && '"\\$`\n'.includes(text[at + 1] ?? "")) {
      at++;
      content += text[at]!;
    } else {
      if (quote === '"' && (char === "`" || /^\$[\w({]/.test(text.slice(at)))) throw needsShell(char);
      content += char;
    }
  }
  throw new UserError(`--exec: the quote ${quote} is opened and never closed in: ${text}`);
}

function needsShell(char: string): UserError {
  return new UserError(
    `--exec runs no shell, and '${char}' is for one: put it between single quotes if it is meant as it stands, or add --shell`,
  );
}

/** Fills in `{test}`, `{seed}` and `{iter}`; other braces stay. */
export function fillIn(word: string, values: Placeholders): string {
  return word.replace(/\{(test|seed|iter)\}/g, (_, name: keyof Placeholders) => values[name]);
}

/** The same for a text that a shell reads: what is filled in stays one word. */
export function fillInForShell(text: string, values: Placeholders): string {
  return text.replace(/\{(test|seed|iter)\}/g, (_, name: keyof Placeholders) => shellWord(values[name]));
}
