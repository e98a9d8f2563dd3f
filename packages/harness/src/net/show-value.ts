/** Longest text of one value in a report line. */
const maxShown = 300;

/** What a message carries, as text for a line of the trace; empty for nothing. */
export function showValue(value: unknown): string {
  if (value === undefined) return "";
  let text: string;
  try {
    text = JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? `<${part.length} bytes>` : part)) ?? "";
  } catch {
    text = String(value);
  }
  return text.length > maxShown ? `${text.slice(0, maxShown)}... (${text.length} characters)` : text;
}
