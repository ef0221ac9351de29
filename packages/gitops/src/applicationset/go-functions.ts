import { isObject } from "@tracegate/kube";
import { stringify } from "yaml";
import { readYaml } from "../render/yaml-documents.ts";
import { type Call, isTrue, text } from "./go-values.ts";
import { sprigFunctions } from "./sprig-functions.ts";

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
  toYaml: ([value]) => stringify(value ?? null).trimEnd(),
  lt: ([a, b], fail) => compared(a, b, fail) < 0,
  le: ([a, b], fail) => compared(a, b, fail) <= 0,
  gt: ([a, b], fail) => compared(a, b, fail) > 0,
  ge: ([a, b], fail) => compared(a, b, fail) >= 0,
  print: (args) => args.map(text).join(""),
  println: (args) => `${args.map(text).join(" ")}\n`,
  slice: ([value, from, to]) =>
    (Array.isArray(value) ? value : text(value)).slice(
      Number(from ?? 0),
      to === undefined ? undefined : Number(to),
    ),
  slugify: (args) => slug(args),
  fromYaml: ([value], fail) => parsedYaml(text(value), fail),
  fromYamlArray: ([value], fail) => parsedYaml(text(value), fail),
  ...sprigFunctions,
};

function parsedYaml(value: string, fail: (reason: string) => Error): unknown {
  const { documents, error } = readYaml(value);
  if (error !== undefined) throw fail(error);
  return documents[0]?.value;
}

/** Go compares numbers with numbers and texts with texts, and nothing else. */
function compared(a: unknown, b: unknown, fail: (reason: string) => Error): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw fail("incompatible types for comparison");
}

/** `slugify [length] [smart] name`: a name of letters, digits and dashes, at most 50 long, cut between words. */
function slug(args: readonly unknown[]): string {
  const name = text(args.at(-1));
  const longest = args.length > 1 ? Number(args[0]) : 50;
  const smart = args.length > 2 ? isTrue(args[1]) : true;
  const words = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9_]+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "");
  if (words.length <= longest) return words;
  const cut = words.slice(0, longest);
  const whole = words.charAt(longest) === "-" ? cut : cut.slice(0, Math.max(0, cut.lastIndexOf("-")));
  return (smart && whole !== "" ? whole : cut).replace(/[-_]+$/, "");
}

/** Lower case, what no DNS name may hold replaced by `-`, at most 253 characters. */
export function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^-a-z0-9.]/g, "-")
    .slice(0, 253)
    .replace(/^[-.]+|[-.]+$/g, "");
}

function firstOrLast(args: readonly unknown[], test: (value: unknown) => boolean): unknown {
  const at = args.findIndex(test);
  return at < 0 ? args.at(-1) : args[at];
}
