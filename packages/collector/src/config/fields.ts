import { parseDuration } from "./duration.ts";
import { formatGoType } from "./go-values.ts";

/**
 * Strict decoding of a component's configuration. A `Field` knows its default and how to read a value; everything
 * that is wrong is collected with its path, in the words of the Collector (mapstructure), so that one run shows all.
 */
export interface Field<T> {
  zero(): T;
  read(value: unknown, path: string, errors: string[]): T;
}

export type Config<F> = F extends Field<infer T> ? T : never;

/** A scalar that came from `${…}`: typed by YAML, but a text field takes the text as it stood. */
export class Expanded {
  readonly value: unknown;
  readonly original: string;
  constructor(value: unknown, original: string) {
    this.value = value;
    this.original = original;
  }
}

/** What mapstructure prints before a list of decoding errors. */
export function decodingFailed(errors: readonly string[]): string {
  return `decoding failed due to the following error(s):\n\n${errors.join("\n")}`;
}

export function plain(value: unknown): unknown {
  return value instanceof Expanded ? value.value : value;
}

export function text(fallback = ""): Field<string> {
  return {
    zero: () => fallback,
    read(value, path, errors) {
      if (value instanceof Expanded) return value.original;
      if (value === null || value === undefined) return fallback;
      if (typeof value === "string") return value;
      errors.push(unconvertible(path, "string", value));
      return fallback;
    },
  };
}

/** Text of which only some values make sense; `complaint` says what is wrong with the others. */
export function textOf(fallback: string, complaint: (value: string) => string | undefined): Field<string> {
  const field = text(fallback);
  return {
    zero: field.zero,
    read(value, path, errors) {
      const read = field.read(value, path, errors);
      const wrong = complaint(read);
      if (wrong !== undefined) errors.push(`'${path}' ${wrong}`);
      return read;
    },
  };
}

function scalar<T>(goType: string, fallback: T, accepts: (value: unknown) => value is T): Field<T> {
  return {
    zero: () => fallback,
    read(given, path, errors) {
      const value = plain(given);
      if (value === null || value === undefined) return fallback;
      if (accepts(value)) return value;
      errors.push(unconvertible(path, goType, value));
      return fallback;
    },
  };
}

export const bool = (fallback: boolean) =>
  scalar("bool", fallback, (v): v is boolean => typeof v === "boolean");
export const int = (fallback: number) =>
  scalar("int", fallback, (v): v is number => typeof v === "number" && Number.isSafeInteger(v));
export const float = (fallback: number) =>
  scalar("float64", fallback, (v): v is number => typeof v === "number");

/** Milliseconds; written as Go durations (`200ms`, `1m30s`) or as integers of nanoseconds. */
export function duration(fallbackMs: number): Field<number> {
  return {
    zero: () => fallbackMs,
    read(given, path, errors) {
      const value = plain(given);
      if (value === null || value === undefined) return fallbackMs;
      if (typeof value === "number" && Number.isInteger(value)) return value / 1e6;
      if (typeof value !== "string") {
        errors.push(unconvertible(path, "time.Duration", value));
        return fallbackMs;
      }
      const parsed = parseDuration(value);
      if (typeof parsed === "number") return parsed;
      errors.push(`'${path}' ${parsed.error}`);
      return fallbackMs;
    },
  };
}

export function list<T>(item: Field<T>, fallback: readonly T[] = []): Field<readonly T[]> {
  return {
    zero: () => fallback,
    read(given, path, errors) {
      const value = plain(given);
      if (value === null || value === undefined) return fallback;
      if (Array.isArray(value)) return value.map((one, i) => item.read(one, `${path}[${i}]`, errors));
      // A plain string may fill a list of strings.
      if (typeof value === "string") {
        return value === "" ? [] : value.split(",").map((one, i) => item.read(one, `${path}[${i}]`, errors));
      }
      errors.push(`'${path}' source data must be an array or slice, got ${goKind(value)}`);
      return fallback;
    },
  };
}

/** A map with free keys. */
export function mapOf<T>(item: Field<T>): Field<Readonly<Record<string, T>>> {
  return {
    zero: () => ({}),
    read(given, path, errors) {
      const value = plain(given);
      if (value === null || value === undefined) return {};
      if (!isMap(value)) {
        errors.push(`'${path}' expected a map or struct, got "${goKind(value)}"`);
        return {};
      }
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, item.read(one, `${path}[${key}]`, errors)]),
      );
    },
  };
}

/** Any value as YAML gave it, with expansions in their typed form. */
export const anything: Field<unknown> = {
  zero: () => undefined,
  read: (value) => deepPlain(value),
};

type Shape = Readonly<Record<string, Field<unknown>>>;
export type StructOf<S extends Shape> = { readonly [K in keyof S]: Config<S[K]> };

export function struct<S extends Shape>(shape: S): Field<StructOf<S>> {
  return {
    zero: () => readStruct(shape, {}, "", []),
    read(given, path, errors) {
      const value = plain(given);
      if (value === null || value === undefined) return readStruct(shape, {}, path, errors);
      if (!isMap(value)) {
        errors.push(`'${path}' expected a map or struct, got "${goKind(value)}"`);
        return readStruct(shape, {}, path, []);
      }
      const read = readStruct(shape, value, path, errors);
      const unknown = Object.keys(value).filter((key) => !Object.hasOwn(shape, key));
      if (unknown.length > 0) errors.push(`'${path}' has invalid keys: ${unknown.sort().join(", ")}`);
      return read;
    },
  };
}

function readStruct<S extends Shape>(
  shape: S,
  value: Readonly<Record<string, unknown>>,
  path: string,
  errors: string[],
): StructOf<S> {
  const out: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(shape)) {
    out[key] = Object.hasOwn(value, key)
      ? field.read(value[key], path === "" ? key : `${path}.${key}`, errors)
      : field.zero();
  }
  // Every key of the shape was read by its own field just now.
  return out as StructOf<S>;
}

/** A part that is off unless its key is there (even empty); `enabled: false` turns it off again. */
export function optional<T>(part: Field<T>, onByDefault = false): Field<T | undefined> {
  return {
    zero: () => (onByDefault ? part.zero() : undefined),
    read(given, path, errors) {
      const value = plain(given);
      if (!isMap(value) || !Object.hasOwn(value, "enabled")) return part.read(value, path, errors);
      const { enabled: givenEnabled, ...rest } = value;
      const enabled = plain(givenEnabled);
      if (typeof enabled !== "boolean") {
        errors.push(
          `'${path}' unexpected type ${formatGoType(enabled)} for 'enabled': got '${String(enabled)}' value expected 'true' or 'false'`,
        );
        return undefined;
      }
      const read = part.read(rest, path, errors);
      return enabled ? read : undefined;
    },
  };
}

/** A setting of the Collector that this one does not have. Absent or null is fine; anything else is refused by name. */
export const unsupported: Field<undefined> = {
  zero: () => undefined,
  read(given, path, errors) {
    const value = plain(given);
    if (value !== null && value !== undefined) {
      errors.push(`'${path}' is not supported by this collector; remove it`);
    }
    return undefined;
  },
};

function unconvertible(path: string, goType: string, value: unknown): string {
  return `'${path}' expected type '${goType}', got unconvertible type '${formatGoType(value)}'`;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Expanded);
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (isMap(value)) return "map";
  return formatGoType(value);
}

function deepPlain(value: unknown): unknown {
  const bare = plain(value);
  if (Array.isArray(bare)) return bare.map(deepPlain);
  if (isMap(bare)) return Object.fromEntries(Object.entries(bare).map(([k, v]) => [k, deepPlain(v)]));
  return bare;
}
