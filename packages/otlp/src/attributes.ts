import type { AnyValue, Attributes, KeyValue } from "./model.ts";

/** The value of a key; the first, when it is given twice. */
export function attribute(attributes: Attributes, key: string): AnyValue | undefined {
  return attributes.find((a) => a.key === key)?.value;
}

/** An attribute as text, `""` when absent. */
export function attributeText(attributes: Attributes, key: string): string {
  const value = attribute(attributes, key);
  return value === undefined ? "" : valueText(value);
}

export function stringAttribute(key: string, stringValue: string): KeyValue {
  return { key, value: { stringValue } };
}

/** A value as the Collector turns it into a label: text as it is, numbers in decimal, lists and maps as compact JSON. */
export function valueText(value: AnyValue): string {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined) {
    return Number.isFinite(value.doubleValue)
      ? String(value.doubleValue)
      : `json: unsupported value: ${String(value.doubleValue).replace("Infinity", "Inf")}`;
  }
  if (value.bytesValue !== undefined) return Buffer.from(value.bytesValue).toString("base64");
  if (value.arrayValue !== undefined || value.kvlistValue !== undefined)
    return JSON.stringify(plainValue(value));
  return "";
}

/** A value as plain JSON. Keys of maps are sorted, as Go writes maps. Integers past 2^53 lose their last digits. */
export function plainValue(value: AnyValue): unknown {
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(plainValue);
  if (value.kvlistValue !== undefined) {
    const entries = value.kvlistValue.values.map(({ key, value }) => [key, plainValue(value)] as const);
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.bytesValue !== undefined) return Buffer.from(value.bytesValue).toString("base64");
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null;
}
