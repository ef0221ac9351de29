import { RE2JS } from "re2js";

/** A regular expression of Go's. It takes linear time: patterns and texts come from whoever may write objects. */
export interface GoPattern {
  test(text: string): boolean;
  /** The first match. */
  find(text: string): string | undefined;
}

const patterns = new Map<string, GoPattern>();

/** Patterns kept compiled; they come from definitions, of which there are few. */
const MAX_KEPT = 1000;

/** Throws an `Error` in Go's words for what is no pattern. */
export function goPattern(source: string): GoPattern {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    if (patterns.size >= MAX_KEPT) patterns.clear();
    const expression = RE2JS.compile(source);
    pattern = {
      test: (text) => expression.test(text),
      find(text) {
        const match = expression.matcher(text);
        return match.find() ? (match.group() ?? undefined) : undefined;
      },
    };
    patterns.set(source, pattern);
  }
  return pattern;
}
