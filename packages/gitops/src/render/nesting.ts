/** Deeper than any object of the API, and far from where a walk through it would run out of stack. */
const maxDepth = 500;

/** Whether a value is nested so deeply that those who walk through it by recursion may fail. */
export function isTooDeep(value: unknown): boolean {
  // Sets: what aliases make appear in many places is walked once a level, and a value within itself ends, too.
  let level = new Set([value]);
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > maxDepth) return true;
    const next = new Set<unknown>();
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      for (const child of Object.values(one)) if (typeof child === "object") next.add(child);
    }
    level = next;
  }
  return false;
}
