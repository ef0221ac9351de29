/**
 * A float as Prometheus prints it (Go's shortest 'f' form in queries and JSON; exponents below 1e-6 and from 1e21 on):
 * `1`, `0.5`, `1e-07`, `1e+21`, `+Inf`, `NaN`, `-0`.
 */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (Object.is(value, -0)) return "-0";
  // JavaScript switches to exponents at the same bounds, but writes one digit where Go writes two.
  const text = String(value);
  return text.includes("e") ? text.replace(/e([+-])(\d)$/, "e$10$2") : text;
}
