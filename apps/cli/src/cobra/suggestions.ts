/** The known words that `typed` may have been meant to be: two letters off at most, or begun by it. */
export function suggestionsFor(typed: string, known: readonly string[]): string[] {
  const wanted = typed.toLowerCase();
  return known.filter((word) => word.startsWith(wanted) || distance(wanted, word.toLowerCase()) <= 2);
}

/** How many letters are to be put in, taken out or changed to make one word of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
