import { Duration, isList, isMap, Time, type Value } from "./values.ts";

/** A static type: what is known of a value before it is there. */
export interface Type {
  readonly kind: "any" | "nil" | "bool" | "int" | "float" | "string" | "array" | "map" | "time" | "duration";
  /** Element type of arrays and maps. */
  readonly of?: Type;
}

const simple = (kind: Type["kind"]): Type => ({ kind });
export const any = simple("any");
export const bool = simple("bool");
export const int = simple("int");
export const float = simple("float");
export const string = simple("string");
export const nil = simple("nil");
export const time = simple("time");
export const duration = simple("duration");
export const arrayOf = (of: Type): Type => ({ kind: "array", of });
export const anyArray = arrayOf(any);
export const mapOf = (of: Type): Type => ({ kind: "map", of });

/** The static type of what a provider handed over: the expression is compiled against it. */
export function typeOf(value: Value): Type {
  if (value === null) return nil;
  if (typeof value === "number") return float;
  if (typeof value === "bigint") return int;
  if (typeof value === "string") return string;
  if (typeof value === "boolean") return bool;
  if (value instanceof Float64Array) return arrayOf(float);
  if (value instanceof Time) return time;
  if (value instanceof Duration) return duration;
  return isList(value) ? anyArray : isMap(value) ? mapOf(any) : any;
}

/** As error messages name it. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "float":
      return "float64";
    case "any":
      return "interface {}";
    case "array":
      return `[]${typeName(type.of ?? any)}`;
    case "map":
      return `map[string]${typeName(type.of ?? any)}`;
    case "time":
      return "time.Time";
    case "duration":
      return "time.Duration";
    default:
      return type.kind;
  }
}

/** Whether the type says nothing before run time. */
export const isOpen = ({ kind }: Type): boolean => kind === "any" || kind === "nil";
export const isNumeric = ({ kind }: Type): boolean => kind === "int" || kind === "float";
