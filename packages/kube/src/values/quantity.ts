/**
 * Quantities: decimal or binary fixed-point numbers with a suffix (`100m`, `64Mi`, `1e3`). Values are kept exactly, as an
 * integer count of nanos (10⁻⁹), the finest that the API knows; what is finer rounds up, away from zero.
 */
export interface Quantity {
  /** Value × 10⁹. */
  readonly nanos: bigint;
  /** Which suffixes it is written with again. */
  readonly format: "DecimalSI" | "BinarySI" | "DecimalExponent";
}

/** A text that is no quantity; the message is apimachinery's. */
export class QuantityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "QuantityError";
  }
}

const FORM = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$";
const NANO = 1_000_000_000n;
const MAX = (2n ** 63n - 1n) * NANO;
const DECIMAL: ReadonlyMap<string, number> = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const BINARY: ReadonlyMap<string, bigint> = new Map(
  ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, i) => [suffix, 2n ** BigInt(10 * (i + 1))]),
);

/** Reads a quantity; numbers are taken as their text, as the API does. Throws `QuantityError`. */
export function parseQuantity(text: string | number): Quantity {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(String(text));
  if (match === null) throw formError();
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
  if (whole === "" && fraction === "") throw formError();
  const { format, numerator, denominator } = scaleOf(suffix);
  const digits = BigInt(`${whole}${fraction}`);
  const scaled = digits * numerator * NANO;
  const divisor = denominator * 10n ** BigInt(fraction.length);
  let nanos = scaled / divisor;
  if (nanos * divisor !== scaled) nanos += 1n;
  if (nanos > MAX) nanos = MAX;
  return { nanos: sign === "-" ? -nanos : nanos, format };
}

/** The canonical text: no fraction, the largest suffix that keeps the value (`1.5` is `1500m`, `1.5Gi` is `1536Mi`). */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const sign = nanos < 0n ? "-" : "";
  const magnitude = nanos < 0n ? -nanos : nanos;
  // Below 1024, and where a fraction remains, binary quantities are written with decimal suffixes.
  if (format === "BinarySI" && magnitude % NANO === 0n && magnitude >= 1024n * NANO) {
    return sign + formatBinary(magnitude / NANO);
  }
  let exponent = -9;
  let mantissa = magnitude;
  while (mantissa % 1000n === 0n && exponent < 18) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (format === "DecimalExponent") return `${sign}${mantissa}${exponent === 0 ? "" : `e${exponent}`}`;
  for (const [suffix, power] of DECIMAL) if (power === exponent) return `${sign}${mantissa}${suffix}`;
  return `${sign}${mantissa}`;
}

/** The canonical text of a text. */
export function canonicalQuantity(text: string | number): string {
  return formatQuantity(parseQuantity(text));
}

/** Negative, zero or positive, as the first is less than, equal to or greater than the second. */
export function compareQuantities(a: Quantity | string, b: Quantity | string): number {
  const difference = nanosOf(a) - nanosOf(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The value in whole units, rounded up, as `Quantity.Value()` does. */
export function quantityCeil(quantity: Quantity | string): number {
  const nanos = nanosOf(quantity);
  const whole = nanos / NANO;
  return Number(nanos % NANO > 0n ? whole + 1n : whole);
}

function nanosOf(quantity: Quantity | string): bigint {
  return typeof quantity === "string" ? parseQuantity(quantity).nanos : quantity.nanos;
}

function formatBinary(value: bigint): string {
  let best = `${value}`;
  for (const [suffix, unit] of BINARY) if (value % unit === 0n) best = `${value / unit}${suffix}`;
  return best;
}

function scaleOf(suffix: string): Pick<Quantity, "format"> & { numerator: bigint; denominator: bigint } {
  const binary = BINARY.get(suffix);
  if (binary !== undefined) return { format: "BinarySI", numerator: binary, denominator: 1n };
  const power = DECIMAL.get(suffix);
  if (power !== undefined) return { format: "DecimalSI", ...tenTo(power) };
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix);
  // No exponent beyond these leaves a value that is neither rounded to 1n nor capped.
  if (exponent !== null) {
    const clamped = Math.max(-1000, Math.min(1000, Number(exponent[1])));
    return { format: "DecimalExponent", ...tenTo(clamped) };
  }
  throw new QuantityError("unable to parse quantity's suffix");
}

function tenTo(power: number): { numerator: bigint; denominator: bigint } {
  const scale = 10n ** BigInt(Math.abs(power));
  return power >= 0 ? { numerator: scale, denominator: 1n } : { numerator: 1n, denominator: scale };
}

const formError = (): QuantityError =>
  new QuantityError(`quantities must match the regular expression '${FORM}'`);
