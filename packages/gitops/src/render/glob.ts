/**
 * A shell pattern as an expression over whole paths: `*` and `?` stay within a path segment, `**` crosses segments,
 * `[a-z]` classes, `{a,b}` alternation.
 */
export function globExpression(
  pattern: string,
  options: { doubleStar: boolean } = { doubleStar: true },
): RegExp {
  let source = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "*") {
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
      source += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      source += ")";
    } else if (char === "," && depth > 0) source += "|";
    else if (char === "\\" && at + 1 < pattern.length) source += literal(pattern.charAt(++at));
    else source += literal(char);
  }
  return new RegExp(`^${source}${")".repeat(depth)}$`, "s");
}

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
