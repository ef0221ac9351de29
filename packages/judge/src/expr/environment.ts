import { strictFloat, strictInt } from "./builtins.ts";
import { ExprError } from "./error.ts";
import * as T from "./types.ts";
import { goText, goType, isNumber, type Value } from "./values.ts";

/** Names an expression may use, with the values they stand for; compilation checks against the values' types. */
export interface Environment {
  readonly variables: Readonly<Record<string, Value>>;
  readonly functions: Readonly<Record<string, EnvironmentFunction>>;
  /** Milliseconds since the epoch, for `now()`. */
  readonly now: number;
}

export interface EnvironmentFunction {
  /** Parameter types, one each. */
  readonly parameters: readonly T.Type[];
  readonly result: T.Type;
  call(args: readonly Value[]): Value;
}

/** Names and predicate values in sight, as types or as values. */
export interface Scope<X> {
  readonly names: ReadonlyMap<string, X>;
  readonly pointer: { readonly element: X; readonly index: X; readonly acc?: X } | undefined;
}

/** What every expression may ask of a number. */
const numberFunctions: Environment["functions"] = {
  isNaN: { parameters: [T.float], result: T.bool, call: ([value = null]) => Number.isNaN(Number(value)) },
  isInf: {
    parameters: [T.float],
    result: T.bool,
    call: ([value = null]) => Math.abs(Number(value)) === Infinity,
  },
};

/** Expressions that compute a time know no result. */
export const timeEnvironment = (now: number): Environment => ({
  now,
  variables: {},
  functions: numberFunctions,
});

/** The functions Argo Rollouts adds to conditions over one `result`. */
export function conditionEnvironment(result: Value, now: number): Environment {
  const notSupported = (name: string, value: Value): never => {
    throw new ExprError(`${name}() not supported on ${goType(value)} ${goText(value)}`);
  };
  return {
    now,
    variables: { result },
    functions: {
      asInt: {
        parameters: [T.any],
        result: T.int,
        call: ([value = null]) =>
          isNumber(value)
            ? BigInt(Math.trunc(Number(value)))
            : typeof value === "string"
              ? strictInt(value)
              : notSupported("asInt", value),
      },
      asFloat: {
        parameters: [T.any],
        result: T.float,
        call: ([value = null]) =>
          isNumber(value)
            ? Number(value)
            : typeof value === "string"
              ? strictFloat(value)
              : notSupported("asFloat", value),
      },
      ...numberFunctions,
      // Both look at the provider's result, whatever they are given.
      isNil: { parameters: [T.any], result: T.bool, call: () => result === null },
      default: {
        parameters: [T.any, T.any],
        result: T.any,
        call: ([, fallback = null]) => (result === null ? fallback : result),
      },
    },
  };
}
