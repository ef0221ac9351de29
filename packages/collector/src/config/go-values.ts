/** How Go names and prints values that came from YAML, for error texts. */

export function formatGoType(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (Array.isArray(value)) return "[]interface {}";
  return "map[string]interface {}";
}

/** Go's `%q` for ordinary text. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
