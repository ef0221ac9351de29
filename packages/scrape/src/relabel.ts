import { createHash } from "node:crypto";
import { RE2JS } from "re2js";

export type RelabelAction =
  | "replace"
  | "keep"
  | "drop"
  | "keepequal"
  | "dropequal"
  | "hashmod"
  | "labelmap"
  | "labeldrop"
  | "labelkeep"
  | "lowercase"
  | "uppercase";

/** One rule, as in Prometheus' `relabel_configs`. */
export interface RelabelRule {
  readonly action?: RelabelAction;
  readonly sourceLabels?: readonly string[];
  readonly separator?: string;
  /** RE2, anchored at both ends. */
  readonly regex?: string;
  readonly targetLabel?: string;
  readonly replacement?: string;
  readonly modulus?: number;
}

/** Labels while they are being rewritten. An empty value is no label. */
export type MutableLabels = Map<string, string>;

/** Compiles rules once; the result rewrites a copy of the labels, or answers `undefined` for "drop". */
export function relabeller(
  rules: readonly RelabelRule[],
): (labels: Iterable<readonly [string, string]>) => MutableLabels | undefined {
  const steps = rules.map(compileRule);
  return (labels) => {
    const current: MutableLabels = new Map(labels);
    for (const step of steps) if (!step(current)) return undefined;
    for (const [name, value] of current) if (value === "") current.delete(name);
    return current;
  };
}

/** Rewrites in place; false drops. */
type Step = (labels: MutableLabels) => boolean;

function compileRule(rule: RelabelRule): Step {
  const {
    action = "replace",
    sourceLabels = [],
    separator = ";",
    targetLabel = "",
    replacement = "$1",
  } = rule;
  // testExact and matches() anchor; as in Prometheus, a dot also matches a newline.
  const regex = RE2JS.compile(rule.regex ?? "(.*)", RE2JS.DOTALL);
  const joined = (labels: MutableLabels) =>
    sourceLabels.map((name) => labels.get(name) ?? "").join(separator);
  const set = (labels: MutableLabels, name: string, value: string) =>
    value === "" ? labels.delete(name) : labels.set(name, value);

  switch (action) {
    case "replace":
      return (labels) => {
        const match = regex.matcher(joined(labels));
        if (!match.matches()) return true;
        const target = expand(targetLabel, match);
        if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(target)) set(labels, target, expand(replacement, match));
        return true;
      };
    case "keep":
      return (labels) => regex.testExact(joined(labels));
    case "drop":
      return (labels) => !regex.testExact(joined(labels));
    case "keepequal":
      return (labels) => joined(labels) === (labels.get(targetLabel) ?? "");
    case "dropequal":
      return (labels) => joined(labels) !== (labels.get(targetLabel) ?? "");
    case "hashmod":
      return (labels) => {
        const digest = createHash("md5").update(joined(labels)).digest();
        set(labels, targetLabel, String(digest.readBigUInt64BE(8) % BigInt(rule.modulus ?? 1)));
        return true;
      };
    case "labelmap":
      return (labels) => {
        for (const [name, value] of [...labels]) {
          const match = regex.matcher(name);
          if (match.matches()) set(labels, expand(replacement, match), value);
        }
        return true;
      };
    case "labeldrop":
    case "labelkeep":
      return (labels) => {
        for (const name of [...labels.keys()]) {
          if (regex.testExact(name) === (action === "labeldrop")) labels.delete(name);
        }
        return true;
      };
    case "lowercase":
    case "uppercase":
      return (labels) => {
        const text = joined(labels);
        set(labels, targetLabel, action === "lowercase" ? text.toLowerCase() : text.toUpperCase());
        return true;
      };
  }
}

/** `$1`, `$name`, `${1}` and `$$`, as Go's regexp expands them; an unknown group is empty. */
function expand(template: string, match: ReturnType<RE2JS["matcher"]>): string {
  if (!template.includes("$")) return template;
  return template.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    if (whole === "$$") return "$";
    const group = braced ?? plain ?? "";
    if (/^\d+$/.test(group))
      return Number(group) <= match.groupCount() ? (match.group(Number(group)) ?? "") : "";
    try {
      return match.group(group) ?? "";
    } catch {
      return "";
    }
  });
}
