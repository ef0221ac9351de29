import { isObject } from "../json.ts";
import type { ListType, Scalar, ValueType } from "../schema/value-type.ts";
import { goMap } from "../values/go-text.ts";
import { pathText } from "./field-set.ts";
import { elementName, MissingKeyError } from "./field-shape.ts";

/**
 * What makes a configuration impossible to apply: fields that are not declared, values of other types, list elements
 * without keys or with the same ones. The texts are structured-merge-diff's.
 */
export function appliedErrors(type: ValueType, value: unknown, path: readonly string[] = []): string[] {
  const at = pathText(path);
  const complain = (message: string) => [at === "" ? message : `${at}: ${message}`];
  if (value === null || value === undefined) return [];
  switch (type.type) {
    case "any":
      return [];
    case "scalar":
      return scalarProblem(type.scalar, value).flatMap(complain);
    case "list":
      if (!Array.isArray(value)) return complain(`expected list, got ${goValue(value)}`);
      return elementErrors(type, value, path);
    case "map":
      if (!isObject(value)) return complain(`expected map, got ${goValue(value)}`);
      return Object.entries(value).flatMap(([key, member]) =>
        appliedErrors(type.value, member, [...path, `f:${key}`]),
      );
    case "struct":
      if (!isObject(value)) return complain(`expected map, got ${goValue(value)}`);
      return Object.entries(value).flatMap(([key, member]) => {
        const field = type.fields.get(key);
        const below = [...path, `f:${key}`];
        if (field !== undefined) return appliedErrors(field.type, member, below);
        return type.open ? [] : [`${pathText(below)}: field not declared in schema`];
      });
  }
}

function elementErrors(type: ListType, value: readonly unknown[], path: readonly string[]): string[] {
  const errors: string[] = [];
  const seen = new Set<string>();
  value.forEach((element, i) => {
    let name = `i:${i}`;
    if (type.listType !== "atomic") {
      try {
        name = elementName(type, element);
      } catch (error) {
        if (!(error instanceof MissingKeyError)) throw error;
        errors.push(`${pathText(path)}: element ${i}: ${error.message}`);
        return;
      }
      if (seen.has(name)) errors.push(`${pathText(path)}: duplicate entries for key ${pathText([name])}`);
      seen.add(name);
    }
    errors.push(...appliedErrors(type.item, element, [...path, name]));
  });
  return errors;
}

function scalarProblem(scalar: Scalar, value: unknown): string[] {
  switch (scalar) {
    case "string":
    case "bytes":
    case "time":
    case "microTime":
      return typeof value === "string" ? [] : [`expected string, got ${goSyntax(value)}`];
    case "bool":
      return typeof value === "boolean" ? [] : [`expected boolean, got ${goValue(value)}`];
    case "int32":
    case "int64":
    case "float64":
      return typeof value === "number" ? [] : [`expected numeric (int or float), got ${goType(value)}`];
    case "quantity":
    case "intOrString":
      return isObject(value) || Array.isArray(value) ? [`expected any scalar, got ${goValue(value)}`] : [];
  }
}

/** The value as Go source, for plain values. */
function goSyntax(value: unknown): string {
  if (isObject(value) || Array.isArray(value)) return goValue(value);
  return `&value.valueUnstructured{Value:${JSON.stringify(value)}}`;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  return isObject(value) ? "map[string]interface {}" : typeof value === "boolean" ? "bool" : typeof value;
}

/** How upstream prints the value it got: `&{x}`. */
const goValue = (value: unknown): string => `&{${goMap(value)}}`;
