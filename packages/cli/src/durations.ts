const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `1.5h`, `1h30m`, `500ms`; undefined for anything else, zero included. A number needs its unit. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) totalMs += Number(count) * unitMs[unit!]!;
  return totalMs > 0 && Number.isFinite(totalMs) ? totalMs : undefined;
}

/** The shortest text that `parseDuration` reads as the same milliseconds: `90s`, `2m`, `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms % 1000 !== 0) return `${ms}ms`;
  if (ms < 120_000 && ms % 60_000 !== 0) return `${ms / 1000}s`;
  const parts: string[] = [];
  let restMs = ms;
  for (const unit of ["h", "m", "s"]) {
    const count = Math.floor(restMs / unitMs[unit]!);
    restMs -= count * unitMs[unit]!;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join("");
}

/** `h:mm:ss`, as a clock that runs. */
export function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
