import { isObject } from "@tracegate/kube";
import { stringify } from "yaml";

type Call = (args: readonly unknown[], fail: (reason: string) => Error) => unknown;

const text = (value: unknown): string => (value === undefined || value === null ? "" : goText(value));

/** What templates may call: Go's own functions and those of sprig that names and settings need. */
export const functions: Readonly<Record<string, Call>> = {
  index([root, ...keys], fail) {
    let value = root;
    for (const key of keys) {
      if (Array.isArray(value)) {
        if (typeof key !== "number" || key < 0 || key >= value.length)
          throw fail(`index out of range: ${text(key)}`);
        value = value[key];
      } else value = isObject(value) ? value[text(key)] : undefined;
    }
    return value;
  },
  lower: ([value]) => text(value).toLowerCase(),
  upper: ([value]) => text(value).toUpperCase(),
  trim: ([value]) => text(value).trim(),
  trimPrefix: ([prefix, value]) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : text(value),
  trimSuffix: ([suffix, value]) =>
    text(suffix) !== "" && text(value).endsWith(text(suffix))
      ? text(value).slice(0, -text(suffix).length)
      : text(value),
  replace: ([from, to, value]) => text(value).split(text(from)).join(text(to)),
  trunc: ([count, value]) =>
    Number(count) < 0 ? text(value).slice(Number(count)) : text(value).slice(0, Number(count)),
  default: ([fallback, value]) =>
    value === undefined || value === "" || value === 0 || value === false ? fallback : value,
  quote: ([value]) => JSON.stringify(text(value)),
  splitList: ([separator, value]) => text(value).split(text(separator)),
  join: ([separator, list]) => (Array.isArray(list) ? list.map(text).join(text(separator)) : text(list)),
  first: ([list]) => (Array.isArray(list) ? list[0] : undefined),
  last: ([list]) => (Array.isArray(list) ? list.at(-1) : undefined),
  toString: (args: readonly unknown[]) => text(args[0]),
  printf: ([format, ...values]) => {
    let next = 0;
    return text(format).replace(/%([sdvq%])/g, (_whole, verb: string) => {
      if (verb === "%") return "%";
      const value = text(values[next++]);
      return verb === "q" ? JSON.stringify(value) : value;
    });
  },
  normalize: ([value]) => normalizeName(text(value)),
  eq: ([value, ...others]) => others.some((other) => other === value),
  ne: ([value, other]) => value !== other,
  not: ([value]) => !isTrue(value),
  and: (args) => firstOrLast(args, (value) => !isTrue(value)),
  or: (args) => firstOrLast(args, isTrue),
  len: ([value]) =>
    Array.isArray(value) || typeof value === "string"
      ? value.length
      : isObject(value)
        ? Object.keys(value).length
        : 0,
  contains: ([part, value]) => text(value).includes(text(part)),
  hasPrefix: ([prefix, value]) => text(value).startsWith(text(prefix)),
  hasSuffix: ([suffix, value]) => text(value).endsWith(text(suffix)),
  hasKey: ([map, key]) => isObject(map) && Object.hasOwn(map, text(key)),
  ternary: ([yes, no, value]) => (isTrue(value) ? yes : no),
  toJson: ([value]) => JSON.stringify(value ?? null),
  toYaml: ([value]) => stringify(value ?? null).trimEnd(),
  indent: ([count, value]) => indented(Number(count), text(value)),
  nindent: ([count, value]) => `\n${indented(Number(count), text(value))}`,
};

const indented = (count: number, value: string): string => value.replace(/^/gm, " ".repeat(count));

/** Lower case, what no DNS name may hold replaced by `-`, at most 253 characters. */
export function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^-a-z0-9.]/g, "-")
    .slice(0, 253)
    .replace(/^[-.]+|[-.]+$/g, "");
}

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

function firstOrLast(args: readonly unknown[], test: (value: unknown) => boolean): unknown {
  const at = args.findIndex(test);
  return at < 0 ? args.at(-1) : args[at];
}
