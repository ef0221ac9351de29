import type { IntOrString } from "../object.ts";
import { quote } from "./go-text.ts";

/**
 * The count that an int-or-percent means of a total: `"25%"` of 4 is 1. Percentages round up or down as asked. Throws with
 * apimachinery's wording for a string that is no percentage.
 */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) {
    const reason = value.endsWith("%")
      ? `invalid value ${quote(value)}: strconv.Atoi: parsing ${quote(value.slice(0, -1))}: invalid syntax`
      : "invalid type: string is not a percentage";
    throw new Error(`invalid value for IntOrString: ${reason}`);
  }
  const exact = (percent * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}

/** The number before the `%`, or undefined where the text is no percentage. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value !== "string" || !/^[+-]?[0-9]+%$/.test(value)) return undefined;
  return Number(value.slice(0, -1));
}
