/**
 * Replaces a text that must occur exactly once; otherwise throws what `tell` says of how often it does.
 * @param {string} text
 * @param {string} find
 * @param {string} replace
 * @param {(times: number) => string} tell
 */
export function replaceOnce(text, find, replace, tell) {
  const [before, after, ...more] = text.split(find);
  if (after !== undefined && more.length === 0) return before + replace + after;
  throw new Error(tell(after === undefined ? 0 : more.length + 1));
}
