import { check } from "./check.ts";
import type { Environment } from "./environment.ts";
import { parse } from "./parser.ts";
import { run } from "./run.ts";
import type { Value } from "./values.ts";

/** Compiles and evaluates. Throws `ExprError` in expr-lang's words. */
export function evaluate(source: string, environment: Environment): Value {
  const tree = parse(source);
  check(tree, environment, { names: new Map(), pointer: undefined });
  return run(tree, environment, { names: new Map(), pointer: undefined });
}
