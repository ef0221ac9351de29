import { createHash } from "node:crypto";
import { isObject } from "@tracegate/kube";
import { RE2JS } from "re2js";
import { type Call, goText, isTrue, text } from "./go-values.ts";

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const map = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});
const number = (value: unknown): number => {
  const read = typeof value === "boolean" ? Number(value) : Number.parseFloat(text(value));
  return Number.isNaN(read) ? 0 : read;
};
const whole = (value: unknown): number => Math.trunc(number(value));
const indented = (count: number, value: string): string => value.replace(/^/gm, " ".repeat(count));
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const words = (value: unknown): string[] =>
  text(value)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[\s_-]+/)
    .filter((word) => word !== "");
const sum = (args: readonly unknown[]): number =>
  args.reduce<number>((total, value) => total + whole(value), 0);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Texts between matches, and the matches between them, with their groups by number and by name. */
interface Matched {
  readonly between: readonly string[];
  readonly matches: readonly ((group: string) => string)[];
}

function matched(pattern: unknown, value: unknown, fail: (reason: string) => Error): Matched {
  const whole = text(value);
  const between: string[] = [];
  const matches: Matched["matches"][number][] = [];
  let at = 0;
  const expression = compiled(pattern, fail);
  const matcher = expression.matcher(whole);
  while (matcher.find()) {
    const groups = Array.from({ length: expression.groupCount() + 1 }, (_, i) => matcher.group(i) ?? "");
    const named = expression.namedGroups();
    matches.push((group) => groups[/^\d+$/.test(group) ? Number(group) : (named[group] ?? -1)] ?? "");
    between.push(whole.slice(at, matcher.start()));
    at = matcher.end();
  }
  return { between: [...between, whole.slice(at)], matches };
}

/** Linear time: templates and what they are filled with may come from repositories that nobody vouches for. */
function compiled(pattern: unknown, fail: (reason: string) => Error): RE2JS {
  try {
    return RE2JS.compile(text(pattern));
  } catch {
    throw fail(`error parsing regexp: ${text(pattern)}`);
  }
}

function replaced({ between, matches }: Matched, by: (match: Matched["matches"][number]) => string): string {
  return between.map((part, i) => part + (matches[i] === undefined ? "" : by(matches[i]))).join("");
}

/** `${1}`, `$1` and `$name` of Go; `$$` is one. */
const expanded = (template: string, match: Matched["matches"][number]): string =>
  template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (_, braced: string, bare: string) => {
    const group = braced ?? bare;
    return group === undefined ? "$" : match(group);
  });

/** Of sprig's functions those that names, labels and settings need, by its own names. */
export const sprigFunctions: Readonly<Record<string, Call>> = {
  // Texts
  lower: ([value]) => text(value).toLowerCase(),
  upper: ([value]) => text(value).toUpperCase(),
  title: ([value]) => text(value).replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  untitle: ([value]) => text(value).replace(/\b[A-Z]/g, (letter) => letter.toLowerCase()),
  camelcase: ([value]) =>
    words(value)
      .map((word) => capital(word.toLowerCase()))
      .join(""),
  kebabcase: ([value]) => words(value).join("-").toLowerCase(),
  snakecase: ([value]) => words(value).join("_").toLowerCase(),
  trim: ([value]) => text(value).trim(),
  trimAll: ([set, value]) => trimmed(text(value), text(set)),
  trimPrefix: ([prefix, value]) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : text(value),
  trimSuffix: ([suffix, value]) =>
    text(suffix) !== "" && text(value).endsWith(text(suffix))
      ? text(value).slice(0, -text(suffix).length)
      : text(value),
  replace: ([from, to, value]) => text(value).split(text(from)).join(text(to)),
  trunc: ([count, value]) =>
    Number(count) < 0 ? text(value).slice(Number(count)) : text(value).slice(0, Number(count)),
  abbrev: ([count, value]) => {
    const most = whole(count);
    return most < 4 || text(value).length <= most ? text(value) : `${text(value).slice(0, most - 3)}...`;
  },
  substr: ([from, to, value]) =>
    text(value).slice(Math.max(0, whole(from)), whole(to) < 0 ? undefined : whole(to)),
  repeat: ([count, value], fail) => {
    if (whole(count) * text(value).length > 1_000_000) throw fail("the text would be too long");
    return text(value).repeat(Math.max(0, whole(count)));
  },
  nospace: ([value]) => text(value).replace(/\s/g, ""),
  initials: ([value]) =>
    words(value)
      .map((word) => word.charAt(0))
      .join(""),
  quote: (args) =>
    args
      .filter((value) => value !== undefined && value !== null)
      .map((value) => JSON.stringify(text(value)))
      .join(" "),
  squote: (args) =>
    args
      .filter((value) => value !== undefined && value !== null)
      .map((value) => `'${text(value)}'`)
      .join(" "),
  cat: (args) => args.map(text).join(" "),
  indent: ([count, value]) => indented(Number(count), text(value)),
  nindent: ([count, value]) => `\n${indented(Number(count), text(value))}`,
  contains: ([part, value]) => text(value).includes(text(part)),
  hasPrefix: ([prefix, value]) => text(value).startsWith(text(prefix)),
  hasSuffix: ([suffix, value]) => text(value).endsWith(text(suffix)),
  plural: ([one, many, count]) => (whole(count) === 1 ? one : many),
  toString: (args: readonly unknown[]) => text(args[0]),
  toStrings: ([value]) => list(value).map(text),
  b64enc: ([value]) => Buffer.from(text(value)).toString("base64"),
  b64dec: ([value]) => Buffer.from(text(value), "base64").toString(),
  sha1sum: ([value]) => createHash("sha1").update(text(value)).digest("hex"),
  sha256sum: ([value]) => createHash("sha256").update(text(value)).digest("hex"),
  regexMatch: ([pattern, value], fail) => compiled(pattern, fail).test(text(value)),
  regexFind: ([pattern, value], fail) => matched(pattern, value, fail).matches[0]?.("0") ?? "",
  regexFindAll: ([pattern, value, most], fail) => {
    const found = matched(pattern, value, fail).matches.map((match) => match("0"));
    return whole(most) < 0 ? found : found.slice(0, whole(most));
  },
  regexReplaceAll: ([pattern, value, to], fail) =>
    replaced(matched(pattern, value, fail), (match) => expanded(text(to), match)),
  regexReplaceAllLiteral: ([pattern, value, to], fail) =>
    replaced(matched(pattern, value, fail), () => text(to)),
  regexSplit: ([pattern, value, most], fail) => {
    const { between: parts } = matched(pattern, value, fail);
    return whole(most) < 0 ? parts : parts.slice(0, whole(most));
  },
  // Lists
  list: (args) => [...args],
  tuple: (args) => [...args],
  split: ([separator, value]) =>
    Object.fromEntries(
      text(value)
        .split(text(separator))
        .map((part, at) => [`_${at}`, part]),
    ),
  splitList: ([separator, value]) => text(value).split(text(separator)),
  splitn: ([separator, most, value]) => {
    const parts = text(value).split(text(separator));
    const kept = [...parts.slice(0, whole(most) - 1), parts.slice(whole(most) - 1).join(text(separator))];
    return Object.fromEntries(
      (parts.length <= whole(most) ? parts : kept).map((part, at) => [`_${at}`, part]),
    );
  },
  join: ([separator, value]) => (Array.isArray(value) ? value.map(text).join(text(separator)) : text(value)),
  first: ([value]) => list(value)[0],
  last: ([value]) => list(value).at(-1),
  rest: ([value]) => list(value).slice(1),
  initial: ([value]) => list(value).slice(0, -1),
  append: ([value, item]) => [...list(value), item],
  push: ([value, item]) => [...list(value), item],
  prepend: ([value, item]) => [item, ...list(value)],
  concat: (args) => args.flatMap(list),
  reverse: ([value]) => list(value).toReversed(),
  uniq: ([value]) =>
    list(value).filter((item, at, all) => all.findIndex((other) => same(other, item)) === at),
  without: ([value, ...others]) => list(value).filter((item) => !others.some((other) => same(other, item))),
  has: ([item, value]) => list(value).some((other) => same(other, item)),
  compact: ([value]) => list(value).filter(isTrue),
  sortAlpha: ([value]) => list(value).map(text).sort(),
  until: ([count]) => Array.from({ length: Math.min(10_000, Math.max(0, whole(count))) }, (_, at) => at),
  // Maps
  dict: (args) =>
    Object.fromEntries(
      Array.from({ length: Math.ceil(args.length / 2) }, (_, at) => [
        text(args[2 * at]),
        args[2 * at + 1] ?? "",
      ]),
    ),
  get: ([value, key]) => map(value)[text(key)] ?? "",
  hasKey: ([value, key]) => Object.hasOwn(map(value), text(key)),
  keys: (args) => args.flatMap((value) => Object.keys(map(value))),
  values: ([value]) => Object.values(map(value)),
  pick: ([value, ...keys]) =>
    Object.fromEntries(Object.entries(map(value)).filter(([key]) => keys.map(text).includes(key))),
  omit: ([value, ...keys]) =>
    Object.fromEntries(Object.entries(map(value)).filter(([key]) => !keys.map(text).includes(key))),
  merge: (args) => Object.assign({}, ...args.toReversed().map(map)),
  mergeOverwrite: (args) => Object.assign({}, ...args.map(map)),
  pluck: ([key, ...maps]) =>
    maps.flatMap((value) => (Object.hasOwn(map(value), text(key)) ? [map(value)[text(key)]] : [])),
  dig: (args) => {
    const [value, fallback, ...keys] = [args.at(-1), args.at(-2), ...args.slice(0, -2)];
    return keys.reduce((at: unknown, key) => (isObject(at) ? at[text(key)] : undefined), value) ?? fallback;
  },
  // Numbers
  int: ([value]) => whole(value),
  int64: ([value]) => whole(value),
  float64: ([value]) => number(value),
  atoi: ([value]) => whole(value),
  add: sum,
  add1: ([value]) => whole(value) + 1,
  sub: ([a, b]) => whole(a) - whole(b),
  mul: (args) => args.reduce<number>((product, value) => product * whole(value), 1),
  div: ([a, b], fail) => Math.trunc(whole(a) / nonZero(b, fail)),
  mod: ([a, b], fail) => whole(a) % nonZero(b, fail),
  max: (args) => Math.max(...args.map(whole)),
  min: (args) => Math.min(...args.map(whole)),
  floor: ([value]) => Math.floor(number(value)),
  ceil: ([value]) => Math.ceil(number(value)),
  // Choices, kinds, forms
  default: ([fallback, value]) => (isTrue(value) ? value : fallback),
  empty: ([value]) => !isTrue(value),
  coalesce: (args) => args.find(isTrue),
  all: (args) => args.every(isTrue),
  any: (args) => args.some(isTrue),
  ternary: ([yes, no, value]) => (isTrue(value) ? yes : no),
  fail: ([reason], fail) => {
    throw fail(text(reason));
  },
  kindOf: ([value]) =>
    Array.isArray(value)
      ? "slice"
      : isObject(value)
        ? "map"
        : value === undefined || value === null
          ? "invalid"
          : goKind(value),
  toJson: ([value]) => JSON.stringify(value ?? null),
  toPrettyJson: ([value]) => JSON.stringify(value ?? null, undefined, 2),
  toRawJson: ([value]) => JSON.stringify(value ?? null),
  fromJson: ([value], fail) => {
    try {
      return JSON.parse(text(value));
    } catch {
      throw fail(`invalid JSON: ${goText(value)}`);
    }
  },
};

const goKind = (value: unknown): string =>
  typeof value === "number" ? "float64" : typeof value === "boolean" ? "bool" : "string";

function nonZero(value: unknown, fail: (reason: string) => Error): number {
  if (whole(value) === 0) throw fail("integer divide by zero");
  return whole(value);
}

/** Without the characters of `set` at both ends. */
function trimmed(value: string, set: string): string {
  let [from, to] = [0, value.length];
  while (from < to && set.includes(value.charAt(from))) from++;
  while (to > from && set.includes(value.charAt(to - 1))) to--;
  return value.slice(from, to);
}
