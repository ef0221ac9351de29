/**
 * The JSONPath of CRD columns and selectable fields: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
 * `.metadata.labels['a/b']`, `.spec.list[0]`, `[*]`.
 */
import { isObject } from "../json.ts";

type Step =
  | { readonly type: "member"; readonly name: string }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "all" }
  | {
      readonly type: "filter";
      readonly path: readonly string[];
      readonly value: string;
      readonly negated: boolean;
    };

/** The values that a path finds; none where it leads nowhere. Undefined for a path that cannot be read. */
export function jsonPathValues(path: string, object: unknown): unknown[] | undefined {
  const steps = parse(path);
  return steps?.reduce<unknown[]>((values, step) => values.flatMap((value) => take(step, value)), [object]);
}

const TOKEN =
  /\.([\w\-$/]+(?:\\\.[\w\-$/]+)*)|\['([^']*)'\]|\["([^"]*)"\]|\[(-?\d+)\]|\[\*\]|\.\*|\[\?\(\s*@\.([\w.\-/]+)\s*(==|!=)\s*['"]([^'"]*)['"]\s*\)\]/y;

const parsed = new Map<string, readonly Step[] | undefined>();

/** Paths kept; they come from definitions, of which there are few. */
const MAX_KEPT = 1000;

function parse(path: string): readonly Step[] | undefined {
  if (!parsed.has(path)) {
    if (parsed.size >= MAX_KEPT) parsed.clear();
    parsed.set(path, parseSteps(path));
  }
  return parsed.get(path);
}

function parseSteps(path: string): Step[] | undefined {
  const text = path.startsWith("{") && path.endsWith("}") ? path.slice(1, -1) : path;
  const source = text.startsWith("$") ? text.slice(1) : text;
  const steps: Step[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source);
    if (match === null) return undefined;
    const name = match[1]?.replaceAll("\\.", ".") ?? match[2] ?? match[3];
    if (name !== undefined) steps.push({ type: "member", name });
    else if (match[4] !== undefined) steps.push({ type: "index", index: Number(match[4]) });
    else if (match[5] !== undefined) {
      steps.push({
        type: "filter",
        path: match[5].split("."),
        value: match[7] ?? "",
        negated: match[6] === "!=",
      });
    } else steps.push({ type: "all" });
  }
  return steps;
}

function take(step: Step, value: unknown): unknown[] {
  switch (step.type) {
    case "member":
      return isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case "index": {
      const found = Array.isArray(value) ? value.at(step.index) : undefined;
      return found === undefined ? [] : [found];
    }
    case "all":
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case "filter":
      return (Array.isArray(value) ? value : []).filter((item) => {
        const found = step.path.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), item);
        return found !== undefined && (String(found) === step.value) !== step.negated;
      });
  }
}
