import { RE2JS } from "re2js";

/** Says whether a whole path fits. */
export interface Glob {
  test(path: string): boolean;
}

/**
 * A shell pattern as an expression over whole paths: `*` and `?` stay within a path segment, `**` crosses segments,
 * `[a-z]` classes, `{a,b}` alternation. A pattern that is none matches nothing.
 */
export function globExpression(
  pattern: string,
  options: { doubleStar: boolean } = { doubleStar: true },
): Glob {
  let source = "";
  let depth = 0;
  let choices = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "*") {
      choices++;
      let stars = 1;
      while (pattern.charAt(at + 1) === "*") {
        at++;
        stars++;
      }
      const crossing = stars > 1 && options.doubleStar;
      // `**/` also matches no directory at all.
      if (crossing && pattern.charAt(at + 1) === "/") {
        at++;
        source += "(?:.*/)?";
      } else source += crossing ? ".*" : "[^/]*";
    } else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) source += "\\[";
      else {
        const body = pattern
          .slice(at + 1, end)
          .replace(/^!/, "^")
          .replace(/\\/g, "\\\\");
        source += `[${body}]`;
        at = end;
      }
    } else if (char === "{") {
      depth++;
      choices++;
      source += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      source += ")";
    } else if (char === "," && depth > 0) source += "|";
    else if (char === "\\" && at + 1 < pattern.length) source += literal(pattern.charAt(++at));
    else source += literal(char);
  }
  const expression = `^${source}${")".repeat(depth)}$`;
  try {
    // Patterns come from repositories that nobody vouches for: one that could be tried in many ways runs in linear time.
    if (choices <= 2) return new RegExp(expression, "s");
    const linear = RE2JS.compile(expression, RE2JS.DOTALL);
    return { test: (path) => linear.matches(path) };
  } catch {
    return { test: () => false };
  }
}

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
