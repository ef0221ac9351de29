import { createHash } from "node:crypto";
import type { AnyValue, Attributes, KeyValue } from "@tracegate/otlp";
import { attribute, valueText } from "@tracegate/otlp";
import type { Config } from "../config/fields.ts";
import { anything, list, struct, text } from "../config/fields.ts";

/** The actions that the `attributes` and `resource` processors share. */
const action = struct({
  key: text(""),
  action: text(""),
  value: anything,
  from_attribute: text(""),
  from_context: text(""),
  pattern: text(""),
  converted_type: text(""),
});

export const actions = list(action);
export type Actions = Config<typeof actions>;
type Action = Actions[number];

/** One attribute list in, another out. */
export type Edit = (attributes: Attributes) => Attributes;

/** Compiled actions. Throws, in the Collector's words, on an action that makes no sense. */
export function compileActions(list: Actions): Edit {
  const edits = list.map(compileAction);
  return (attributes) => edits.reduce((current, edit) => edit(current), attributes);
}

/** The start-up errors, for validation. */
export function actionProblems(list: Actions): string[] {
  try {
    compileActions(list);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function compileAction(given: Action, index: number): Edit {
  const kind = given.action.toLowerCase();
  const at = `at the ${index}-th actions`;
  const { key } = given;
  const needsKey = !["delete", "hash"].includes(kind) || given.pattern === "";
  if (needsKey && key === "")
    throw new Error(`error creating AttrProc due to missing required field "key" ${at}`);
  switch (kind) {
    case "insert":
    case "update":
    case "upsert":
      return compileSet(kind, given, index);
    case "delete": {
      const matches = keyMatcher(given);
      return (attributes) => attributes.filter((a) => !matches(a.key));
    }
    case "hash": {
      const matches = keyMatcher(given);
      return (attributes) =>
        attributes.map((a) => (matches(a.key) ? { key: a.key, value: hash(a.value) } : a));
    }
    case "extract":
      return compileExtract(given, at);
    case "convert":
      return compileConvert(given, at);
    default:
      throw new Error(
        `error creating AttrProc due to unsupported action ${JSON.stringify(given.action)} ${at}`,
      );
  }
}

function compileSet(kind: string, given: Action, index: number): Edit {
  const { key, value, from_attribute, from_context } = given;
  const sources = [value !== undefined && value !== null, from_attribute !== "", from_context !== ""];
  const set = sources.filter(Boolean).length;
  if (set === 0) {
    throw new Error(
      `error creating AttrProc. Either field "value", "from_attribute" or "from_context" setting must be specified for ${index}-th action`,
    );
  }
  if (set > 1) {
    throw new Error(
      `error creating AttrProc due to multiple value sources being set at the ${index}-th actions`,
    );
  }
  if (from_context !== "")
    throw new Error(`from_context is not supported by this collector at the ${index}-th actions`);
  const fixed = from_attribute === "" ? toAnyValue(value) : undefined;
  return (attributes) => {
    const next = fixed ?? attribute(attributes, from_attribute);
    if (next === undefined) return attributes;
    const present = attributes.some((a) => a.key === key);
    if (present) return kind === "insert" ? attributes : put(attributes, key, next);
    return kind === "update" ? attributes : [...attributes, { key, value: next }];
  };
}

function put(attributes: Attributes, key: string, value: AnyValue): Attributes {
  return attributes.some((a) => a.key === key)
    ? attributes.map((a) => (a.key === key ? { key, value } : a))
    : [...attributes, { key, value }];
}

function keyMatcher({ key, pattern }: Action): (key: string) => boolean {
  const regexp = pattern === "" ? undefined : new RegExp(pattern);
  return (candidate) => candidate === key || regexp?.test(candidate) === true;
}

function compileExtract({ key, pattern }: Action, at: string): Edit {
  if (pattern === "")
    throw new Error(
      `error creating AttrProc due to missing required field "pattern" for action "extract" ${at}`,
    );
  const regexp = new RegExp(pattern.replaceAll("(?P<", "(?<"));
  if (!/\(\?<[A-Za-z_]/.test(regexp.source)) {
    throw new Error(`error creating AttrProc. Field "pattern" contains no named matcher groups ${at}`);
  }
  return (attributes) => {
    const source = attribute(attributes, key)?.stringValue;
    const groups = source === undefined ? undefined : regexp.exec(source)?.groups;
    let current = attributes;
    for (const [name, stringValue] of Object.entries(groups ?? {}))
      current = put(current, name, { stringValue });
    return current;
  };
}

function compileConvert({ key, converted_type: type }: Action, at: string): Edit {
  if (type === "")
    throw new Error(
      `error creating AttrProc due to missing required field "converted_type" for action "convert" ${at}`,
    );
  if (type !== "int" && type !== "double" && type !== "string") {
    throw new Error(
      `error creating AttrProc due to invalid value ${JSON.stringify(type)} in field "converted_type" for action "convert" ${at}`,
    );
  }
  return (attributes) => attributes.map((a) => (a.key === key ? { key, value: convert(a.value, type) } : a));
}

/** What cannot be converted stays as it is. */
function convert(value: AnyValue, type: "int" | "double" | "string"): AnyValue {
  const text = valueText(value);
  if (type === "string") return { stringValue: text };
  const number = value.boolValue === undefined ? Number(text) : Number(value.boolValue);
  if (text === "" || Number.isNaN(number)) return value;
  return type === "double" ? { doubleValue: number } : { intValue: BigInt(Math.trunc(number)) };
}

/** SHA-256 of the value's text; numbers are hashed as 8 bytes, as in the Collector. */
function hash(value: AnyValue): AnyValue {
  const bytes = Buffer.alloc(8);
  let input: Buffer;
  if (value.intValue !== undefined) {
    bytes.writeBigInt64LE(value.intValue);
    input = bytes;
  } else if (value.doubleValue !== undefined) {
    bytes.writeDoubleLE(value.doubleValue);
    input = bytes;
  } else if (value.boolValue !== undefined) input = Buffer.from([value.boolValue ? 1 : 0]);
  else input = Buffer.from(valueText(value));
  return { stringValue: createHash("sha256").update(input).digest("hex") };
}

/** A value of the configuration as an attribute's value. */
function toAnyValue(value: unknown): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isInteger(value) ? { intValue: BigInt(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } };
  if (typeof value === "object" && value !== null) {
    const values: KeyValue[] = Object.entries(value).map(([key, v]) => ({ key, value: toAnyValue(v) }));
    return { kvlistValue: { values } };
  }
  return {};
}
