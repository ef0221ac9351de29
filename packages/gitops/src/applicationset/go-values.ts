import { isObject } from "@tracegate/kube";

/** A function that templates may call; `fail` makes the error of a call. */
export type Call = (args: readonly unknown[], fail: (reason: string) => Error) => unknown;

/** A value as text, where nothing is no text. */
export const text = (value: unknown): string => (value === undefined || value === null ? "" : goText(value));

/** How Go prints a value. */
export function goText(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isObject(value)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, child]) => `${key}:${goText(child)}`).join(" ")}]`;
  }
  return String(value);
}

/** Go's truth: empty and zero values are false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}
