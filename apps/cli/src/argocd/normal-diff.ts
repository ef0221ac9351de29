/** Lines beyond which the table of common lines would be too large; what is between the common ends then changes as one. */
const tableLimit = 4_000_000;

/** The difference of two texts as `diff` prints it without options; empty where they are equal. */
export function normalDiff(before: string, after: string): string {
  const a = linesOf(before);
  const b = linesOf(after);
  const out: string[] = [];
  for (const { fromA, toA, fromB, toB } of hunks(a, b)) {
    const kind = fromA === toA ? "a" : fromB === toB ? "d" : "c";
    out.push(`${range(fromA, toA)}${kind}${range(fromB, toB)}`);
    out.push(...a.slice(fromA, toA).map((line) => `< ${line}`));
    if (kind === "c") out.push("---");
    out.push(...b.slice(fromB, toB).map((line) => `> ${line}`));
  }
  return out.map((line) => `${line}\n`).join("");
}

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** Of what is empty, the line before it is named. */
const range = (from: number, to: number): string =>
  from === to ? String(from) : to - from === 1 ? String(to) : `${from + 1},${to}`;

interface Hunk {
  readonly fromA: number;
  readonly toA: number;
  readonly fromB: number;
  readonly toB: number;
}

function hunks(a: readonly string[], b: readonly string[]): Hunk[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end++;
  const [endA, endB] = [a.length - end, b.length - end];
  const width = endB - start + 1;
  if ((endA - start + 1) * width > tableLimit) return [{ fromA: start, toA: endA, fromB: start, toB: endB }];
  // longest[i][j]: how many lines a from i and b from j have in common, in order.
  const longest = new Uint32Array((endA - start + 1) * width);
  const at = (i: number, j: number): number => longest[(i - start) * width + (j - start)] ?? 0;
  for (let i = endA - 1; i >= start; i--)
    for (let j = endB - 1; j >= start; j--)
      longest[(i - start) * width + (j - start)] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const found: Hunk[] = [];
  for (let i = start, j = start; i < endA || j < endB; ) {
    const [fromA, fromB] = [i, j];
    while ((i < endA || j < endB) && (i >= endA || j >= endB || a[i] !== b[j])) {
      if (j >= endB || (i < endA && at(i + 1, j) >= at(i, j + 1))) i++;
      else j++;
    }
    if (i > fromA || j > fromB) found.push({ fromA, toA: i, fromB, toB: j });
    while (i < endA && j < endB && a[i] === b[j]) {
      i++;
      j++;
    }
  }
  return found;
}
