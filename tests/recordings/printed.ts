import type { Difference } from "./difference.ts";

/** The first line in which what was printed differs. */
export function firstLineDifference(
  what: string,
  recorded: readonly string[],
  ours: readonly string[],
): Difference | undefined {
  const length = Math.max(recorded.length, ours.length);
  for (let line = 0; line < length; line++) {
    if (recorded[line] === ours[line]) continue;
    const shown = (text: string | undefined) => (text === undefined ? "the end" : JSON.stringify(text));
    return { what, at: `line ${line + 1}`, expected: shown(recorded[line]), got: shown(ours[line]) };
  }
  return undefined;
}
