/** Number of single-character edits that turn one text into the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

/** The `count` names most like `name`, whatever their case, best first. */
export function nearest(name: string, names: readonly string[], count = 3): readonly string[] {
  const wanted = name.toLowerCase();
  const ranked = names.map((candidate) => {
    const lower = candidate.toLowerCase();
    // A part of the name counts for more than letters that happen to agree.
    const contains = wanted.length > 2 && lower.includes(wanted);
    return { candidate, edits: contains ? 0 : distance(wanted, lower) };
  });
  ranked.sort((a, b) => a.edits - b.edits);
  return ranked.slice(0, count).map(({ candidate }) => candidate);
}
