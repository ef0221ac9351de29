const patterns = new Map<string, RegExp>();

/** Patterns kept compiled; they come from definitions, of which there are few. */
const MAX_KEPT = 1000;

/** A regular expression of Go's as one of JavaScript's: they are nearly the same. Throws `SyntaxError` for what is none. */
export function goPattern(source: string): RegExp {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    if (patterns.size >= MAX_KEPT) patterns.clear();
    pattern = compile(source);
    patterns.set(source, pattern);
  }
  return pattern;
}

/** Flags at the start and the anchors of the whole text are written otherwise in JavaScript. */
function compile(source: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(source);
  const body = (flags === null ? source : source.slice(flags[0].length))
    .replaceAll("\\z", "$")
    .replaceAll("\\A", "^");
  try {
    return new RegExp(body, `u${flags?.[1] ?? ""}`);
  } catch {
    // Go takes escapes that JavaScript only takes without the `u` flag.
    return new RegExp(body, flags?.[1] ?? "");
  }
}
