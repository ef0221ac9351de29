import { getKey, isObject, jsonEqual } from "../json.ts";
import { CelError, CelType, compare, FUNCTIONS, TYPES } from "./functions.ts";
import { CelSyntaxError, type Expression, parseCel } from "./syntax.ts";

/** A rule ready to be asked. Throws `CelError` where it cannot answer. */
export interface CelProgram {
  /** Whether the rule speaks of the former value: it holds for updates only. */
  readonly usesOldSelf: boolean;
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

const programs = new Map<string, CelProgram>();

/** Programs kept; rules come from definitions, of which there are few. */
const MAX_KEPT = 1000;

/** Reads a rule. Throws `CelSyntaxError` for one that cannot be read or uses a function that is not known. */
export function compileCel(source: string): CelProgram {
  const known = programs.get(source);
  if (known !== undefined) return known;
  const expression = parseCel(source);
  check(expression, new Set(["self", "oldSelf"]));
  const program: CelProgram = {
    usesOldSelf: mentions(expression, "oldSelf"),
    evaluate: (variables) => evaluate(expression, new Map(Object.entries(variables))),
  };
  if (programs.size >= MAX_KEPT) programs.clear();
  programs.set(source, program);
  return program;
}

type Scope = ReadonlyMap<string, unknown>;

const MACROS = new Set(["all", "exists", "exists_one", "filter", "map"]);

function evaluate(expression: Expression, scope: Scope): unknown {
  switch (expression.type) {
    case "literal":
      return expression.value;
    case "identifier":
      return scope.has(expression.name) ? scope.get(expression.name) : TYPES.get(expression.name);
    case "select":
      return select(expression, scope);
    case "index":
      return indexed(evaluate(expression.operand, scope), evaluate(expression.index, scope));
    case "unary": {
      const value = evaluate(expression.operand, scope);
      if (expression.operator === "!") return !boolean(value);
      if (typeof value !== "number") throw new CelError("no such overload: -_");
      return -value;
    }
    case "binary":
      return binary(expression.operator, expression.left, expression.right, scope);
    case "conditional":
      return evaluate(boolean(evaluate(expression.test, scope)) ? expression.yes : expression.no, scope);
    case "list":
      return expression.items.map((item) => evaluate(item, scope));
    case "map":
      return Object.fromEntries(
        expression.entries.map(([key, value]) => [String(evaluate(key, scope)), evaluate(value, scope)]),
      );
    case "call":
      return call(expression, scope);
  }
}

function select({ operand, field, test }: Expression & { type: "select" }, scope: Scope): unknown {
  const value = evaluate(operand, scope);
  if (!isObject(value)) throw new CelError(`no such key: ${field}`);
  const found = getKey(value, field);
  if (test) return found !== undefined;
  if (found === undefined) throw new CelError(`no such key: ${field}`);
  return found;
}

function indexed(value: unknown, index: unknown): unknown {
  if (Array.isArray(value) && typeof index === "number") {
    if (index < 0 || index >= value.length) throw new CelError(`index out of bounds: ${index}`);
    return value[index];
  }
  const found = isObject(value) ? getKey(value, String(index)) : undefined;
  if (found === undefined) throw new CelError(`no such key: ${String(index)}`);
  return found;
}

function binary(operator: string, left: Expression, right: Expression, scope: Scope): unknown {
  if (operator === "&&" || operator === "||") return logical(operator === "||", left, right, scope);
  const [a, b] = [evaluate(left, scope), evaluate(right, scope)];
  switch (operator) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "<":
      return compare(a, b) < 0;
    case "<=":
      return compare(a, b) <= 0;
    case ">":
      return compare(a, b) > 0;
    case ">=":
      return compare(a, b) >= 0;
    case "in":
      if (Array.isArray(b)) return b.some((item) => equal(a, item));
      if (isObject(b)) return Object.hasOwn(b, String(a));
      throw new CelError("no such overload: @in");
    default:
      return arithmetic(operator, a, b);
  }
}

/** One side may fail where the other decides. */
function logical(wanted: boolean, left: Expression, right: Expression, scope: Scope): boolean {
  let failure: CelError | undefined;
  for (const side of [left, right]) {
    try {
      if (boolean(evaluate(side, scope)) === wanted) return wanted;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return !wanted;
}

function arithmetic(operator: string, a: unknown, b: unknown): unknown {
  if (operator === "+" && typeof a === "string" && typeof b === "string") return a + b;
  if (operator === "+" && Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (typeof a !== "number" || typeof b !== "number") throw new CelError(`no such overload: _${operator}_`);
  const whole = Number.isInteger(a) && Number.isInteger(b);
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  if (operator === "*") return a * b;
  if (b === 0 && whole) throw new CelError(operator === "/" ? "division by zero" : "modulus by zero");
  if (operator === "/") return whole ? Math.trunc(a / b) : a / b;
  return a % b;
}

function equal(a: unknown, b: unknown): boolean {
  if (a instanceof CelType || b instanceof CelType) return a === b;
  return jsonEqual(a, b);
}

function call({ name, target, args }: Expression & { type: "call" }, scope: Scope): unknown {
  if (target !== undefined && MACROS.has(name)) return macro(name, evaluate(target, scope), args, scope);
  const fn = FUNCTIONS.get(name);
  if (fn === undefined) throw new CelError(`no such overload: ${name}`);
  const values = args.map((argument) => evaluate(argument, scope));
  return target === undefined ? fn(...values) : fn(evaluate(target, scope), ...values);
}

/** `list.all(x, condition)` and its like; of maps the keys are gone through. */
function macro(name: string, range: unknown, args: readonly Expression[], scope: Scope): unknown {
  const items = Array.isArray(range) ? range : isObject(range) ? Object.keys(range) : undefined;
  const [variable, condition, result] = args;
  if (items === undefined || variable?.type !== "identifier" || condition === undefined) {
    throw new CelError(`no such overload: ${name}`);
  }
  const inner = (item: unknown): Scope => new Map([...scope, [variable.name, item]]);
  const holds = (item: unknown) => boolean(evaluate(condition, inner(item)));
  switch (name) {
    case "all":
      return decide(items, holds, false);
    case "exists":
      return decide(items, holds, true);
    case "exists_one":
      return items.filter(holds).length === 1;
    case "filter":
      return items.filter(holds);
    default:
      if (result === undefined) return items.map((item) => evaluate(condition, inner(item)));
      return items.filter(holds).map((item) => evaluate(result, inner(item)));
  }
}

/** The first item that decides, decides; failures count only if none does. */
function decide(items: readonly unknown[], holds: (item: unknown) => boolean, wanted: boolean): boolean {
  let failure: CelError | undefined;
  for (const item of items) {
    try {
      if (holds(item) === wanted) return wanted;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return !wanted;
}

function boolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw new CelError("no such overload");
  return value;
}

/** Refuses names and functions that nothing defines. */
function check(expression: Expression, names: ReadonlySet<string>): void {
  const refuse = (name: string) => {
    throw new CelSyntaxError(`undeclared reference to '${name}' (in container '')`);
  };
  if (expression.type === "identifier" && !names.has(expression.name) && !TYPES.has(expression.name)) {
    refuse(expression.name);
  }
  if (expression.type === "call") {
    const { name, target, args } = expression;
    if (target !== undefined && MACROS.has(name)) {
      const [variable, ...rest] = args;
      if (variable?.type !== "identifier" || rest.length === 0)
        throw new CelSyntaxError(`invalid arguments to ${name}() macro`);
      check(target, names);
      for (const argument of rest) check(argument, new Set([...names, variable.name]));
      return;
    }
    if (!FUNCTIONS.has(name)) refuse(name);
  }
  for (const part of partsOf(expression)) check(part, names);
}

function mentions(expression: Expression, name: string): boolean {
  if (expression.type === "identifier") return expression.name === name;
  return partsOf(expression).some((part) => mentions(part, name));
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.type) {
    case "select":
    case "unary":
      return [expression.operand];
    case "index":
      return [expression.operand, expression.index];
    case "binary":
      return [expression.left, expression.right];
    case "conditional":
      return [expression.test, expression.yes, expression.no];
    case "list":
      return expression.items;
    case "map":
      return expression.entries.flat();
    case "call":
      return expression.target === undefined ? expression.args : [expression.target, ...expression.args];
    default:
      return [];
  }
}
