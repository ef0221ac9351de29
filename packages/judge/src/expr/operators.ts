import { RE2JS } from "re2js";
import { listOf } from "./builtins.ts";
import { ExprError } from "./error.ts";
import { Duration, goText, goType, isList, isMap, isNumber, Time, type Value } from "./values.ts";

const undefinedOperation = (operator: string, left: Value, right: Value): never => {
  throw new ExprError(`invalid operation: ${goType(left)} ${operator} ${goType(right)}`);
};
export const textOperand = (value: Value, operator: string, left: Value, right: Value): string =>
  typeof value === "string" ? value : undefinedOperation(operator, left, right);

export function regex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new ExprError(error instanceof Error ? error.message : String(error));
  }
}

export function range(left: Value, right: Value): Value {
  if (typeof left !== "bigint" || typeof right !== "bigint") return undefinedOperation("..", left, right);
  if (right - left > 1_000_000n) throw new ExprError("memory budget exceeded");
  return right < left ? [] : Array.from({ length: Number(right - left) + 1 }, (_, i) => left + BigInt(i));
}

export function order(operator: string, left: Value, right: Value): boolean {
  const by = (a: number | string, b: number | string): boolean =>
    operator === "<" ? a < b : operator === ">" ? a > b : operator === "<=" ? a <= b : a >= b;
  if (isNumber(left) && isNumber(right)) return by(Number(left), Number(right));
  if (typeof left === "string" && typeof right === "string") return by(left, right);
  if (left instanceof Time && right instanceof Time) return by(left.ms, right.ms);
  if (left instanceof Duration && right instanceof Duration) return by(left.ns, right.ns);
  return undefinedOperation(operator, left, right);
}

export function arithmetic(operator: string, left: Value, right: Value): Value {
  if (isNumber(left) && isNumber(right)) {
    if (operator === "/") return Number(left) / Number(right);
    if (operator === "**") return Number(left) ** Number(right);
    if (typeof left === "bigint" && typeof right === "bigint") {
      if (operator === "%" && right === 0n) throw new ExprError("integer divide by zero");
      return BigInt.asIntN(
        64,
        operator === "+"
          ? left + right
          : operator === "-"
            ? left - right
            : operator === "*"
              ? left * right
              : left % right,
      );
    }
    if (operator === "%") return undefinedOperation(operator, left, right);
    const [a, b] = [Number(left), Number(right)];
    return operator === "+" ? a + b : operator === "-" ? a - b : a * b;
  }
  const sign = operator === "-" ? -1 : 1;
  if (operator === "+" && typeof left === "string" && typeof right === "string") return left + right;
  if ((operator === "+" || operator === "-") && left instanceof Time && right instanceof Duration)
    return new Time(left.ms + (sign * right.ns) / 1e6);
  if (operator === "+" && left instanceof Duration && right instanceof Time)
    return new Time(right.ms + left.ns / 1e6);
  if (operator === "-" && left instanceof Time && right instanceof Time)
    return new Duration((left.ms - right.ms) * 1e6);
  if ((operator === "+" || operator === "-") && left instanceof Duration && right instanceof Duration)
    return new Duration(left.ns + sign * right.ns);
  return undefinedOperation(operator, left, right);
}

export function fetch(object: Value, property: Value, optional: boolean): Value {
  if (object === null) {
    if (optional) return null;
    throw new ExprError(`cannot fetch ${goText(property)} from <nil>`);
  }
  if (isList(object) && isNumber(property)) {
    const index = Math.trunc(Number(property));
    const items = listOf("index", object);
    const found = items[index < 0 ? items.length + index : index];
    // Go's reflect panics with this text; expr passes it on.
    if (found === undefined) throw new ExprError("reflect: slice index out of range");
    return found;
  }
  if (isMap(object) && typeof property === "string")
    return Object.hasOwn(object, property) ? (object[property] ?? null) : null;
  throw new ExprError(`cannot fetch ${goText(property)} from ${goType(object)}`);
}

export function method(object: Value, name: string): Value {
  if (object instanceof Duration) {
    const per: Record<string, number> = { Hours: 3600e9, Minutes: 60e9, Seconds: 1e9 };
    if (per[name] !== undefined) return object.ns / per[name];
    if (name === "Milliseconds") return BigInt(Math.trunc(object.ns / 1e6));
    if (name === "Nanoseconds") return BigInt(Math.trunc(object.ns));
  }
  if (object instanceof Time) {
    const date = new Date(object.ms);
    const parts: Record<string, number> = {
      Year: date.getUTCFullYear(),
      Month: date.getUTCMonth() + 1,
      Day: date.getUTCDate(),
      Hour: date.getUTCHours(),
      Minute: date.getUTCMinutes(),
      Second: date.getUTCSeconds(),
      Unix: Math.floor(object.ms / 1000),
      UnixMilli: object.ms,
    };
    if (parts[name] !== undefined) return BigInt(Math.trunc(parts[name]));
  }
  throw new ExprError(`type ${goType(object)} has no method ${name}`);
}
