/** One requirement of a label selector. Values are sorted and distinct. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

export type LabelOperator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | "gt" | "lt";

/** All of the requirements must hold; none of them: everything matches. */
export type LabelRequirements = readonly LabelRequirement[];

export type Labels = Readonly<Record<string, string>> | undefined;

/** Whether labels satisfy all requirements; `null` requirements match nothing. */
export function matchesRequirements(requirements: LabelRequirements | null, labels: Labels): boolean {
  return requirements?.every((requirement) => matches(requirement, labels ?? {})) ?? false;
}

/** The text form: `app=web,tier in (a,b),!old`. */
export function formatRequirements(requirements: LabelRequirements): string {
  return requirements.map(formatRequirement).join(",");
}

function matches(
  { key, operator, values }: LabelRequirement,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "in":
    case "=":
    case "==":
      return value !== undefined && values.includes(value);
    case "notin":
    case "!=":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt": {
      if (value === undefined || !INTEGER.test(value)) return false;
      const [left, right] = [BigInt(value), BigInt(values[0] ?? "0")];
      return operator === "gt" ? left > right : left < right;
    }
  }
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${values.join(",")})`;
    case "gt":
      return `${key}>${values[0] ?? ""}`;
    case "lt":
      return `${key}<${values[0] ?? ""}`;
    default:
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

/** What `>` and `<` compare. */
export const INTEGER = /^[+-]?[0-9]+$/;
