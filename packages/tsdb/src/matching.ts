import { type Matcher, ProblemError } from "@tracegate/contracts";
import { RE2JS, RE2JSSyntaxException } from "re2js";

/** A matcher ready to run over label values. */
export interface CompiledMatcher {
  readonly matcher: Matcher;
  /** Whether a series with this value (empty: without the label) is selected. */
  readonly accepts: (value: string) => boolean;
  /** Whether a series without the label is selected; the index then has to look at all series. */
  readonly acceptsEmpty: boolean;
  /** The only values that can be accepted, where that is known without trying. */
  readonly candidates?: readonly string[];
}

/** Compiles one matcher. Throws a `ProblemError` for an invalid regular expression. */
export function compileMatcher(matcher: Matcher): CompiledMatcher {
  const { op, value } = matcher;
  if (op === "=") {
    return { matcher, accepts: (v) => v === value, acceptsEmpty: value === "", candidates: [value] };
  }
  if (op === "!=") return { matcher, accepts: (v) => v !== value, acceptsEmpty: value !== "" };
  const { test, literals } = anchoredRegex(value);
  if (op === "!~") return { matcher, accepts: (v) => !test(v), acceptsEmpty: !test("") };
  return {
    matcher,
    accepts: test,
    acceptsEmpty: test(""),
    ...(literals === undefined ? {} : { candidates: literals }),
  };
}

interface AnchoredRegex {
  readonly test: (value: string) => boolean;
  readonly literals?: readonly string[];
}

const META = /[\\.+*?()|[\]{}^$]/;

/** Most expressions in queries are literals, `a|b|c`, `prefix.*`, `.*` or `.+`: those need no automaton. */
function anchoredRegex(pattern: string): AnchoredRegex {
  const literals = pattern.split("|");
  if (literals.every((part) => !META.test(part))) {
    const set = new Set(literals);
    return { test: (value) => set.has(value), literals };
  }
  if (pattern === ".*") return { test: () => true };
  if (pattern === ".+") return { test: (value) => value !== "" };
  const stem = pattern.slice(0, -2);
  if (!META.test(stem)) {
    if (pattern.endsWith(".*")) return { test: (value) => value.startsWith(stem) };
    if (pattern.endsWith(".+")) {
      return { test: (value) => value.length > stem.length && value.startsWith(stem) };
    }
  }
  return { test: automaton(pattern) };
}

function automaton(pattern: string): (value: string) => boolean {
  try {
    const re = RE2JS.compile(pattern, RE2JS.DOTALL);
    return (value) => re.testExact(value);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new ProblemError({
      code: "metrics/bad-regex",
      message: `error parsing regexp: ${error.message.replace(/^error parsing regexp: /, "")}`,
    });
  }
}
