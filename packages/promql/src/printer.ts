import { type Matcher, METRIC_NAME } from "@tracegate/contracts";
import type { Expr, Matching, TimeShift, VectorSelector } from "./ast.ts";
import { formatFloat } from "./format-float.ts";
import { goQuote } from "./lexer.ts";
import { formatDuration } from "./literals.ts";

/** An expression as one line of PromQL. Parsing it gives the expression again (but for positions). */
export function print(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      // A plus sign would bind looser than what follows.
      return formatFloat(expr.value).replace(/^\+/, "");
    case "string":
      return goQuote(expr.value);
    case "paren":
      return `(${print(expr.expr)})`;
    case "unary":
      return `${expr.op}${print(expr.expr)}`;
    case "vector":
      return printSelector(expr) + printShift(expr.shift);
    case "matrix":
      return `${printSelector(expr.selector)}[${formatDuration(expr.rangeMs)}]${printShift(expr.selector.shift)}`;
    case "subquery": {
      const step = expr.stepMs === undefined ? "" : formatDuration(expr.stepMs);
      return `${print(expr.expr)}[${formatDuration(expr.rangeMs)}:${step}]${printShift(expr.shift)}`;
    }
    case "call":
      return `${expr.func.name}(${expr.args.map(print).join(", ")})`;
    case "aggregation": {
      const { op, grouping, without, param } = expr;
      const clause =
        grouping.length > 0 || without ? ` ${without ? "without" : "by"} (${printLabels(grouping)}) ` : "";
      return `${op}${clause}(${param === undefined ? "" : `${print(param)}, `}${print(expr.expr)})`;
    }
    case "binary": {
      const clause = printMatching(expr.matching);
      return `${print(expr.lhs)} ${expr.op}${expr.bool ? " bool" : ""}${clause} ${print(expr.rhs)}`;
    }
  }
}

function printMatching({ on, labels, group, include }: Matching): string {
  if (labels.length === 0 && !on && group === undefined) return "";
  const grouping = group === undefined ? "" : ` group_${group} (${printLabels(include)})`;
  return ` ${on ? "on" : "ignoring"} (${printLabels(labels)})${grouping}`;
}

function printSelector({ matchers }: VectorSelector): string {
  const named = matchers.find((matcher) => isPlainName(matcher));
  const rest = matchers.filter((matcher) => matcher !== named);
  if (named !== undefined && rest.length === 0) return named.value;
  const inner = rest.map(({ name, op, value }) => `${printLabel(name)}${op}${goQuote(value)}`);
  return `${named?.value ?? ""}{${inner.join(",")}}`;
}

/** Names that can stand before the braces; keywords of operators cannot. */
function isPlainName({ name, op, value }: Matcher): boolean {
  if (name !== METRIC_NAME || op !== "=") return false;
  const reserved = /^(?:bool|on|ignoring|group_left|group_right|atan2|inf|nan|fill|fill_left|fill_right)$/i;
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value) && !reserved.test(value);
}

const printLabel = (name: string) => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : goQuote(name));
const printLabels = (names: readonly string[]) => names.map(printLabel).join(", ");

function printShift({ at, offsetMs }: TimeShift): string {
  const pinned = at === undefined ? "" : ` @ ${typeof at === "number" ? (at / 1000).toFixed(3) : `${at}()`}`;
  if (offsetMs === 0) return pinned;
  return `${pinned} offset ${formatDuration(offsetMs)}`;
}
