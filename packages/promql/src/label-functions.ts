import { type RE2JS, RE2JSSyntaxException } from "re2js";
import { EvaluationError } from "./evaluation-error.ts";
import type { GridSeries } from "./grid.ts";
import { joinSameLabels } from "./grid.ts";
import { compileAnchored } from "./selector-parser.ts";

/** label_replace(v, dst, replacement, src, regex) */
export function labelReplace(
  series: readonly GridSeries[],
  target: string,
  replacement: string,
  source: string,
  pattern: string,
): readonly GridSeries[] {
  let regex: RE2JS;
  try {
    regex = compileAnchored(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw new EvaluationError(`invalid regular expression in label_replace(): ${pattern}`);
  }
  if (target === "")
    throw new EvaluationError(`invalid destination label name in label_replace(): ${target}`);
  const replaced = series.map((one) => {
    const match = regex.matcher(one.labels.get(source));
    if (!match.matches()) return one;
    const value = expand(replacement, (group) => groupText(match, group));
    return { ...one, labels: one.labels.with({ [target]: value }) };
  });
  return joinSameLabels(replaced);
}

/** label_join(v, dst, separator, src…) */
export function labelJoin(
  series: readonly GridSeries[],
  target: string,
  separator: string,
  sources: readonly string[],
): readonly GridSeries[] {
  const bad = sources.find((name) => name === "");
  if (bad !== undefined) throw new EvaluationError(`invalid source label name in label_join(): ${bad}`);
  if (target === "") throw new EvaluationError(`invalid destination label name in label_join(): ${target}`);
  return joinSameLabels(
    series.map((one) => {
      const value = sources.map((name) => one.labels.get(name)).join(separator);
      return { ...one, labels: one.labels.with({ [target]: value }) };
    }),
  );
}

/** Expands `$1`, `$name`, `${name}` and `$$` as Go's regexp does; an unknown group is empty. */
export function expand(template: string, group: (name: string) => string): string {
  return template.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) =>
    whole === "$$" ? "$" : group(braced ?? plain ?? ""),
  );
}

function groupText(match: ReturnType<RE2JS["matcher"]>, name: string): string {
  const number = /^\d+$/.test(name) ? Number(name) : undefined;
  if (number !== undefined) return number <= match.groupCount() ? (match.group(number) ?? "") : "";
  try {
    return match.group(name) ?? "";
  } catch {
    return "";
  }
}

/** Ordering by labels for sort_by_label: digit runs by number, the rest by code unit. */
export function naturalOrder(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i] ?? "";
    const y = right[i] ?? "";
    if (x === y) continue;
    if (/^\d/.test(x) && /^\d/.test(y)) return Number(x) - Number(y) || x.length - y.length;
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
