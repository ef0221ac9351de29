import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import type { Level } from "../log.ts";
import { Expanded, isMap } from "./fields.ts";
import { quote } from "./go-values.ts";

/** Where configuration comes from beside its own text. */
export interface SourceAccess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  readonly warn: (level: Level, message: string, name: string) => void;
}

export const systemAccess = (env: SourceAccess["env"], warn: SourceAccess["warn"]): SourceAccess => ({
  env,
  readFile: (path) => readFileSync(path, "utf8"),
  warn,
});

/** The tree of all `--config` sources, later ones over earlier ones, `--set` over all, with `${…}` expanded. */
export function resolveSources(
  uris: readonly string[],
  sets: readonly string[],
  access: SourceAccess,
): Readonly<Record<string, unknown>> {
  if (uris.length === 0) throw new Error("at least one config flag must be provided");
  let tree: Readonly<Record<string, unknown>> = {};
  for (const uri of uris) {
    const { value } = retrieve(withScheme(uri), access, "cannot retrieve the configuration: ");
    if (value !== null && !isMap(value)) {
      throw new Error(
        `cannot retrieve the configuration: retrieved value (type=${typeof value}) cannot be used as a Conf`,
      );
    }
    tree = merge(tree, unflatten(value ?? {}));
  }
  for (const set of sets) tree = merge(tree, parseSet(set));
  const expanded = expand(tree, access, 0);
  // A map expands to a map.
  return expanded as Readonly<Record<string, unknown>>;
}

function withScheme(uri: string): string {
  // A Windows drive or a bare path is a file.
  return /^[A-Za-z][A-Za-z0-9+.-]+:/.test(uri) ? uri : `file:${uri}`;
}

interface Retrieved {
  readonly value: unknown;
  readonly text: string;
}

function retrieve(uri: string, access: SourceAccess, prefix = ""): Retrieved {
  const colon = uri.indexOf(":");
  const scheme = uri.slice(0, colon);
  const rest = uri.slice(colon + 1);
  switch (scheme) {
    case "env":
      return retrieveEnv(rest, access);
    case "yaml":
      return { value: parseYaml(rest), text: rest };
    case "file":
      return retrieveFile(rest, access, prefix);
    default:
      throw new Error(`${prefix}scheme ${quote(scheme)} is not supported for uri ${quote(uri)}`);
  }
}

function retrieveFile(path: string, access: SourceAccess, prefix: string): Retrieved {
  let text: string;
  try {
    text = access.readFile(path);
  } catch (error) {
    // Errors of node:fs carry a code.
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === "ENOENT"
        ? "no such file or directory"
        : code === "EACCES"
          ? "permission denied"
          : code === "EISDIR"
            ? "is a directory"
            : String(error);
    throw new Error(`${prefix}unable to read the file file:${path}: open ${path}: ${why}`);
  }
  return { value: parseYaml(text), text: text.trimEnd() };
}

/** `NAME` or `NAME:-fallback`; the fallback stands in only for a variable that is not set. */
function retrieveEnv(spec: string, access: SourceAccess): Retrieved {
  const split = spec.indexOf(":-");
  const name = split < 0 ? spec : spec.slice(0, split);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
    throw new Error(
      `environment variable ${quote(name)} has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$`,
    );
  }
  const given = access.env[name];
  if (given === undefined && split < 0) {
    access.warn("warn", "Configuration references unset environment variable", name);
  } else if (given === "") access.warn("info", "Configuration references empty environment variable", name);
  const text = given ?? (split < 0 ? "" : spec.slice(split + 2));
  return { value: parseYaml(text), text };
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text, { merge: true, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    const [what = ""] = error.message.split(" at line ", 1);
    throw new Error(
      `retrieved value (type=string) cannot be used as a Conf: assuming string type since contents are not valid YAML: yaml: ${line === undefined ? "" : `line ${line}: `}${what}`,
    );
  }
  return document.toJS({ maxAliasCount: 1000 }) ?? null;
}

/** Maps merge, everything else is replaced. */
function merge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(out, key) ? out[key] : undefined;
    out[key] = isMap(before) && isMap(value) ? merge(before, value) : value;
  }
  return out;
}

/** `a::b: c` is short for `a: {b: c}`, which is how `yaml:` sources name one setting. */
function unflatten(map: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let out: Readonly<Record<string, unknown>> = {};
  for (const [key, value] of Object.entries(map)) {
    let nested: unknown = isMap(value) ? unflatten(value) : value;
    const [first = key, ...rest] = key.split("::");
    for (const part of rest.reverse()) nested = { [part]: nested };
    out = merge(out, { [first]: nested });
  }
  return out;
}

function parseSet(set: string): Readonly<Record<string, unknown>> {
  const equals = set.indexOf("=");
  if (equals < 0) throw new Error("missing equal sign");
  let value: unknown = parseYaml(set.slice(equals + 1));
  for (const key of set.slice(0, equals).replaceAll("::", ".").split(".").reverse()) value = { [key]: value };
  // A key has at least one part, so the loop made a map.
  return value as Readonly<Record<string, unknown>>;
}

const MAX_DEPTH = 100;
const MAX_EXPANSIONS = 1000;

function expand(value: unknown, access: SourceAccess, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new Error("too many recursive expansions");
  if (typeof value === "string") return expandText(value, access, depth);
  if (Array.isArray(value)) return value.map((one) => expand(one, access, depth + 1));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, expand(v, access, depth + 1)]));
}

/** Innermost references first; `$$` is a literal `$` and protects what follows it. */
function expandText(text: string, access: SourceAccess, depth: number): unknown {
  if (!text.includes("$")) return text;
  let current = text.replaceAll("$$", DOLLAR);
  for (let round = 0; ; round++) {
    if (round > MAX_EXPANSIONS) throw new Error("too many recursive expansions");
    const found = /\$\{([^${}]*)\}/.exec(current);
    if (found === null) return current.replaceAll(DOLLAR, "$");
    const [reference, inner = ""] = found;
    const uri = /^[A-Za-z][A-Za-z0-9+.-]+:(?!-)/.test(inner) ? inner : `env:${inner}`;
    const got = retrieve(uri.replaceAll(DOLLAR, "$"), access);
    if (reference === current) {
      const value = expand(got.value, access, depth + 1);
      const scalar = !isMap(value) && !Array.isArray(value);
      return scalar ? new Expanded(value instanceof Expanded ? value.value : value, got.text) : value;
    }
    if (isMap(got.value) || Array.isArray(got.value)) {
      throw new Error(
        `expanding ${reference}: retrieved value does not have unambiguous string representation: ${got.text}`,
      );
    }
    current = current.slice(0, found.index) + got.text + current.slice(found.index + reference.length);
  }
}

/** Stands for an escaped `$` while references are replaced; no configuration file contains it. */
const DOLLAR = "\u0000";
