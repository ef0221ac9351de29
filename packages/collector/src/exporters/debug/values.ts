import type { AnyValue, Attributes, Scope } from "@tracegate/otlp";
import { valueText } from "@tracegate/otlp";

/** A time in nanoseconds as Go prints one in UTC: `2025-12-15 12:00:01.5 +0000 UTC`. */
export function goTime(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n;
  const fraction = (nanos % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
  const iso = new Date(Number(seconds) * 1000).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`;
}

/** A value with its type: `Str(x)`, `Int(5)`, `Map({"a":1})`. */
export function typedValue(value: AnyValue): string {
  const text = valueText(value);
  if (value.stringValue !== undefined) return `Str(${text})`;
  if (value.boolValue !== undefined) return `Bool(${text})`;
  if (value.intValue !== undefined) return `Int(${text})`;
  if (value.doubleValue !== undefined) return `Double(${text})`;
  if (value.bytesValue !== undefined) return `Bytes(${text})`;
  if (value.arrayValue !== undefined) return `Slice(${text})`;
  return value.kvlistValue !== undefined ? `Map(${text})` : "Empty()";
}

/** A titled list of attributes; nothing at all when there are none. */
export function attributeLines(title: string, attributes: Attributes, indent = "     "): string[] {
  if (attributes.length === 0) return [];
  return [title, ...attributes.map(({ key, value }) => `${indent}-> ${key}: ${typedValue(value)}`)];
}

/** `k=v k=v` with a blank before each. */
export function inlineAttributes(attributes: Attributes): string {
  return attributes.map(({ key, value }) => ` ${key}=${valueText(value)}`).join("");
}

export function scopeLines(scope: Scope): string[] {
  return [
    `InstrumentationScope ${scope.name} ${scope.version}`,
    ...attributeLines("InstrumentationScope attributes:", scope.attributes),
  ];
}

/** Go's `%f`. */
export function fixed(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return value.toFixed(6);
}
