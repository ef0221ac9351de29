const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration (`1m30s`, `1.5h`, `-2s`) in milliseconds, or Go's error without the value, as the Collector prints it. */
export function parseDuration(text: string): number | { readonly error: string } {
  const invalid = { error: "time: invalid duration" };
  const signed = /^([+-]?)(.*)$/s.exec(text);
  const sign = signed?.[1] === "-" ? -1 : 1;
  const body = signed?.[2] ?? "";
  if (body === "0") return 0;
  if (body === "") return invalid;
  let total = 0;
  let at = 0;
  while (at < body.length) {
    const part = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(body.slice(at));
    if (part === null) return invalid;
    const [whole, number = "", unit = ""] = part;
    if (unit === "") return { error: "time: missing unit in duration" };
    const ms = Object.hasOwn(UNIT_MS, unit) ? UNIT_MS[unit] : undefined;
    if (ms === undefined) {
      return { error: "time: unknown unit" };
    }
    total += Number(number) * ms;
    at += whole.length;
  }
  return sign * total;
}

/** Milliseconds as Go prints a duration: `1m30s`, `200ms`, `1.5s`. */
export function formatDuration(ms: number): string {
  const nanos = Math.round(ms * 1e6);
  if (nanos === 0) return "0s";
  const sign = nanos < 0 ? "-" : "";
  const rest = Math.abs(nanos);
  if (rest < 1000) return `${sign}${rest}ns`;
  if (rest < 1e6) return `${sign}${rest / 1e3}µs`;
  if (rest < 1e9) return `${sign}${rest / 1e6}ms`;
  const hours = Math.floor(rest / 3.6e12);
  const minutes = Math.floor(rest / 6e10) % 60;
  const seconds = (rest % 6e10) / 1e9;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}
