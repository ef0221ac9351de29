import { RE2JS } from "re2js";
import { builtins, listOf, sorted, strictFloat, strictInt, sum } from "./builtins.ts";
import { ExprError } from "./error.ts";
import { type Node, parse, predicates } from "./parser.ts";
import * as T from "./types.ts";
import { Duration, equal, goText, goType, isList, isMap, isNumber, Time, type Value } from "./values.ts";

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

/** Compiles and evaluates. Throws `ExprError` in expr-lang's words. */
export function evaluate(source: string, environment: Environment): Value {
  const tree = parse(source);
  check(tree, environment, { names: new Map(), pointer: undefined });
  return run(tree, environment, { names: new Map(), pointer: undefined });
}

interface Scope<X> {
  readonly names: ReadonlyMap<string, X>;
  readonly pointer: { readonly element: X; readonly index: X; readonly acc?: X } | undefined;
}

const mismatch = (operator: string, left: T.Type, right: T.Type): never => {
  throw new ExprError(
    `invalid operation: ${operator} (mismatched types ${T.typeName(left)} and ${T.typeName(right)})`,
  );
};

/** The static type of a node; what cannot work for any value is refused here, before anything is evaluated. */
function check(node: Node, env: Environment, scope: Scope<T.Type>): T.Type {
  const of = (child: Node): T.Type => check(child, env, scope);
  switch (node.node) {
    case "literal":
      return T.typeOf(node.value);
    case "name": {
      const local = scope.names.get(node.name);
      if (local !== undefined) return local;
      if (!Object.hasOwn(env.variables, node.name)) throw new ExprError(`unknown name ${node.name}`);
      return T.typeOf(env.variables[node.name] ?? null);
    }
    case "pointer":
      if (scope.pointer === undefined) throw new ExprError("cannot use pointer accessor outside predicate");
      if (node.name === "acc" && scope.pointer.acc === undefined) throw new ExprError("unknown pointer #acc");
      return node.name === "" ? scope.pointer.element : node.name === "index" ? T.int : T.any;
    case "unary": {
      const type = of(node.operand);
      if (T.isOpen(type)) return node.operator === "!" ? T.bool : T.any;
      if (node.operator === "!" ? type.kind === "bool" : T.isNumeric(type) || type.kind === "duration")
        return type;
      throw new ExprError(`invalid operation: ${node.operator} (mismatched type ${T.typeName(type)})`);
    }
    case "binary":
      return checkBinary(node.operator, of(node.left), of(node.right), node.right);
    case "conditional": {
      const test = of(node.test);
      if (test.kind !== "bool" && !T.isOpen(test))
        throw new ExprError(`non-bool expression (type ${T.typeName(test)}) used as condition`);
      const yes = of(node.yes);
      return yes.kind === of(node.no).kind ? yes : T.any;
    }
    case "member":
      return checkMember(of(node.object), node.property, of(node.property), node.field);
    case "slice": {
      const type = of(node.object);
      for (const bound of [node.from, node.to]) {
        const found = bound === undefined ? T.int : of(bound);
        if (!T.isNumeric(found) && !T.isOpen(found))
          throw new ExprError(`non-integer slice index ${T.typeName(found)}`);
      }
      if (T.isOpen(type) || type.kind === "array" || type.kind === "string") return type;
      throw new ExprError(`cannot slice ${T.typeName(type)}`);
    }
    case "array":
      node.items.forEach(of);
      return T.anyArray;
    case "map":
      for (const [key, value] of node.entries) {
        of(key);
        of(value);
      }
      return T.mapOf(T.any);
    case "let": {
      const names = new Map(scope.names).set(node.name, of(node.value));
      return check(node.body, env, { ...scope, names });
    }
    case "method": {
      const type = of(node.object);
      node.args.forEach(of);
      if (T.isOpen(type) || type.kind === "time" || type.kind === "duration") return T.any;
      throw new ExprError(`type ${T.typeName(type)} has no method ${node.name}`);
    }
    case "call":
      return predicates.has(node.name)
        ? checkPredicate(node, env, scope)
        : checkCall(node.name, node.args.map(of), env);
  }
}

function checkBinary(operator: string, left: T.Type, right: T.Type, rightNode: Node): T.Type {
  const open = T.isOpen(left) || T.isOpen(right);
  const numeric = T.isNumeric(left) && T.isNumeric(right);
  const both = (...kinds: T.Type["kind"][]): boolean => left.kind === right.kind && kinds.includes(left.kind);
  switch (operator) {
    case "==":
    case "!=":
      return open || numeric || left.kind === right.kind ? T.bool : mismatch(operator, left, right);
    case "<":
    case ">":
    case "<=":
    case ">=":
      return open || numeric || both("string", "time", "duration") ? T.bool : mismatch(operator, left, right);
    case "&&":
    case "||":
      return (T.isOpen(left) || left.kind === "bool") && (T.isOpen(right) || right.kind === "bool")
        ? T.bool
        : mismatch(operator, left, right);
    case "in":
      return T.isOpen(right) ||
        right.kind === "array" ||
        (right.kind === "map" && (T.isOpen(left) || left.kind === "string"))
        ? T.bool
        : mismatch(operator, left, right);
    case "matches":
      if (rightNode.node === "literal" && typeof rightNode.value === "string") regex(rightNode.value);
      return open || both("string") ? T.bool : mismatch(operator, left, right);
    case "contains":
    case "startsWith":
    case "endsWith":
      return open || both("string") ? T.bool : mismatch(operator, left, right);
    case "..":
      return (T.isOpen(left) || left.kind === "int") && (T.isOpen(right) || right.kind === "int")
        ? T.arrayOf(T.int)
        : mismatch(operator, left, right);
    case "??":
      return left.kind === right.kind ? left : T.any;
    case "/":
    case "**":
      return open || numeric ? T.float : mismatch(operator, left, right);
    case "%":
      return open || both("int") ? T.int : mismatch(operator, left, right);
    case "*":
      return open ? T.any : numeric ? (both("int") ? T.int : T.float) : mismatch(operator, left, right);
    default: {
      if (open) return T.any;
      if (numeric) return both("int") ? T.int : T.float;
      if (operator === "+" && both("string", "duration")) return left;
      if (operator === "-" && both("time", "duration")) return T.duration;
      if (left.kind === "time" && right.kind === "duration") return T.time;
      if (operator === "+" && left.kind === "duration" && right.kind === "time") return T.time;
      return mismatch(operator, left, right);
    }
  }
}

function checkMember(object: T.Type, propertyNode: Node, property: T.Type, field: boolean): T.Type {
  if (T.isOpen(object)) return T.any;
  if (object.kind === "map") {
    if (property.kind === "string" || T.isOpen(property)) return object.of ?? T.any;
    throw new ExprError(`cannot use ${T.typeName(property)} to get an element from ${T.typeName(object)}`);
  }
  if (object.kind === "array") {
    if (T.isNumeric(property) || T.isOpen(property)) return object.of ?? T.any;
    throw new ExprError(`array elements can only be selected using an integer (got ${T.typeName(property)})`);
  }
  if (field && propertyNode.node === "literal")
    throw new ExprError(`type ${T.typeName(object)} has no field ${String(propertyNode.value)}`);
  throw new ExprError(`type ${T.typeName(object)}[${T.typeName(property)}] is undefined`);
}

function checkCall(name: string, args: readonly T.Type[], env: Environment): T.Type {
  const given = Object.hasOwn(env.functions, name) ? env.functions[name] : undefined;
  const builtin = builtins.get(name);
  const bounds =
    given !== undefined ? { min: given.parameters.length, max: given.parameters.length } : builtin;
  if (bounds === undefined) throw new ExprError(`unknown name ${name}`);
  if (args.length > bounds.max) throw new ExprError(`too many arguments to call ${name}`);
  if (args.length < bounds.min) throw new ExprError(`not enough arguments to call ${name}`);
  if (given === undefined) return builtin?.check(args) ?? T.any;
  args.forEach((type, i) => {
    const wanted = given.parameters[i] ?? T.any;
    const fits =
      T.isOpen(wanted) ||
      T.isOpen(type) ||
      wanted.kind === type.kind ||
      (wanted.kind === "float" && type.kind === "int");
    if (!fits)
      throw new ExprError(
        `cannot use ${T.typeName(type)} as argument (type ${T.typeName(wanted)}) to call ${name} `,
      );
  });
  return given.result;
}

function checkPredicate(
  node: Extract<Node, { node: "call" }>,
  env: Environment,
  scope: Scope<T.Type>,
): T.Type {
  const [listNode, predicate, third, ...rest] = node.args;
  if (rest.length > 0) throw new ExprError(`too many arguments to call ${node.name}`);
  const optional = node.name === "sum" || node.name === "count";
  if (listNode === undefined || (predicate === undefined && !optional))
    throw new ExprError(`not enough arguments to call ${node.name}`);
  const list = check(listNode, env, scope);
  if (!T.isOpen(list) && list.kind !== "array")
    throw new ExprError(`builtin ${node.name} takes only array (got ${T.typeName(list)})`);
  const element = list.of ?? T.any;
  const initial = third === undefined ? undefined : check(third, env, scope);
  const pointer = { element, index: T.int, ...(node.name === "reduce" ? { acc: initial ?? T.any } : {}) };
  const result = predicate === undefined ? undefined : check(predicate, env, { ...scope, pointer });
  const wantsBool = !["map", "sum", "groupBy", "sortBy", "reduce"].includes(node.name);
  if (wantsBool && result !== undefined && result.kind !== "bool" && !T.isOpen(result))
    throw new ExprError(`predicate should return boolean (got ${T.typeName(result)})`);
  switch (node.name) {
    case "all":
    case "none":
    case "any":
    case "one":
      return T.bool;
    case "count":
    case "findIndex":
    case "findLastIndex":
      return T.int;
    case "filter":
    case "sortBy":
      return list.kind === "array" ? list : T.anyArray;
    case "map":
      return T.arrayOf(result ?? T.any);
    case "find":
    case "findLast":
      return element;
    case "sum":
      return result ?? element;
    case "groupBy":
      return T.mapOf(T.anyArray);
    default:
      return T.any;
  }
}

function run(node: Node, env: Environment, scope: Scope<Value>): Value {
  const of = (child: Node): Value => run(child, env, scope);
  switch (node.node) {
    case "literal":
      return node.value;
    case "name":
      return scope.names.get(node.name) ?? env.variables[node.name] ?? null;
    case "pointer":
      return (
        (node.name === ""
          ? scope.pointer?.element
          : node.name === "index"
            ? scope.pointer?.index
            : scope.pointer?.acc) ?? null
      );
    case "unary": {
      const value = of(node.operand);
      if (node.operator === "!") return !truth(value);
      if (value instanceof Duration) return node.operator === "-" ? new Duration(-value.ns) : value;
      if (!isNumber(value)) throw new ExprError(`invalid operation: ${node.operator} ${goType(value)}`);
      return node.operator === "-" ? -value : value;
    }
    case "binary":
      return runBinary(node, env, scope);
    case "conditional":
      return truth(of(node.test)) ? of(node.yes) : of(node.no);
    case "member":
      return fetch(of(node.object), of(node.property), node.optional || inOptionalChain(node.object));
    case "slice": {
      const value = of(node.object);
      const from = node.from === undefined ? 0 : Number(of(node.from));
      const to = node.to === undefined ? undefined : Number(of(node.to));
      if (typeof value === "string" || value instanceof Float64Array) return value.slice(from, to);
      if (isList(value)) return listOf("slice", value).slice(from, to);
      throw new ExprError(`cannot slice ${goText(value)}`);
    }
    case "array":
      return node.items.map(of);
    case "map":
      return Object.fromEntries(node.entries.map(([key, value]) => [goText(of(key)), of(value)]));
    case "let":
      return run(node.body, env, { ...scope, names: new Map(scope.names).set(node.name, of(node.value)) });
    case "method":
      return method(of(node.object), node.name);
    case "call": {
      if (predicates.has(node.name)) return runPredicate(node, env, scope);
      const args = node.args.map(of);
      const given = Object.hasOwn(env.functions, node.name) ? env.functions[node.name] : undefined;
      return given === undefined ? (builtins.get(node.name)?.call(args, env.now) ?? null) : given.call(args);
    }
  }
}

const truth = (value: Value): boolean => {
  if (typeof value !== "boolean")
    throw new ExprError(`interface conversion: interface {} is ${goType(value)}, not bool`);
  return value;
};

/** `a?.b.c`: once `a` is nil, the rest of the chain is nil too. */
const inOptionalChain = (node: Node): boolean =>
  node.node === "member" && (node.optional || inOptionalChain(node.object));

function runBinary(node: Extract<Node, { node: "binary" }>, env: Environment, scope: Scope<Value>): Value {
  const { operator } = node;
  if (operator === "&&" || operator === "||") {
    const decisive = operator === "||";
    // The optimiser folds `x || true` and `x && false` without looking at x.
    if (node.right.node === "literal" && node.right.value === decisive) return decisive;
    return truth(run(node.left, env, scope)) === decisive ? decisive : truth(run(node.right, env, scope));
  }
  const left = run(node.left, env, scope);
  if (operator === "??") return left ?? run(node.right, env, scope);
  const right = run(node.right, env, scope);
  switch (operator) {
    case "==":
      return equal(left, right);
    case "!=":
      return !equal(left, right);
    case "in":
      if (right === null) return false;
      if (isList(right)) return listOf("in", right).some((item) => equal(item, left));
      if (isMap(right)) return typeof left === "string" && Object.hasOwn(right, left);
      throw new ExprError(`operator "in" not defined on ${goType(right)}`);
    case "matches":
      return regex(text(right, operator, left, right))
        .matcher(text(left, operator, left, right))
        .find();
    case "contains":
      return text(left, operator, left, right).includes(text(right, operator, left, right));
    case "startsWith":
      return text(left, operator, left, right).startsWith(text(right, operator, left, right));
    case "endsWith":
      return text(left, operator, left, right).endsWith(text(right, operator, left, right));
    case "..":
      return range(left, right);
    case "<":
    case ">":
    case "<=":
    case ">=":
      return order(operator, left, right);
    default:
      return arithmetic(operator, left, right);
  }
}

const undefinedOperation = (operator: string, left: Value, right: Value): never => {
  throw new ExprError(`invalid operation: ${goType(left)} ${operator} ${goType(right)}`);
};
const text = (value: Value, operator: string, left: Value, right: Value): string =>
  typeof value === "string" ? value : undefinedOperation(operator, left, right);

function regex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new ExprError(error instanceof Error ? error.message : String(error));
  }
}

function range(left: Value, right: Value): Value {
  if (typeof left !== "bigint" || typeof right !== "bigint") return undefinedOperation("..", left, right);
  if (right - left > 1_000_000n) throw new ExprError("memory budget exceeded");
  return right < left ? [] : Array.from({ length: Number(right - left) + 1 }, (_, i) => left + BigInt(i));
}

function order(operator: string, left: Value, right: Value): boolean {
  const by = (a: number | string, b: number | string): boolean =>
    operator === "<" ? a < b : operator === ">" ? a > b : operator === "<=" ? a <= b : a >= b;
  if (isNumber(left) && isNumber(right)) return by(Number(left), Number(right));
  if (typeof left === "string" && typeof right === "string") return by(left, right);
  if (left instanceof Time && right instanceof Time) return by(left.ms, right.ms);
  if (left instanceof Duration && right instanceof Duration) return by(left.ns, right.ns);
  return undefinedOperation(operator, left, right);
}

function arithmetic(operator: string, left: Value, right: Value): Value {
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

function fetch(object: Value, property: Value, optional: boolean): Value {
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

function method(object: Value, name: string): Value {
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

function runPredicate(node: Extract<Node, { node: "call" }>, env: Environment, scope: Scope<Value>): Value {
  const [listNode, predicate, third] = node.args;
  const list = listNode === undefined ? null : run(listNode, env, scope);
  if (!isList(list)) throw new ExprError(`invalid argument for ${node.name} (type ${goType(list)})`);
  const items = listOf(node.name, list);
  const at = (element: Value, index: number, acc?: Value): Value =>
    predicate === undefined
      ? element
      : run(predicate, env, {
          ...scope,
          pointer: { element, index: BigInt(index), ...(acc === undefined ? {} : { acc }) },
        });
  const holds = (element: Value, index: number): boolean => truth(at(element, index));
  const kept = (all: readonly Value[]): Value =>
    list instanceof Float64Array ? Float64Array.from(all as readonly number[]) /* its elements */ : all;
  switch (node.name) {
    case "all":
      return items.every(holds);
    case "any":
      return items.some(holds);
    case "none":
      return !items.some(holds);
    case "one":
      return items.filter(holds).length === 1;
    case "count":
      return BigInt(items.filter(holds).length);
    case "filter":
      return kept(items.filter(holds));
    case "map":
      return items.map((item, i) => at(item, i));
    case "sum":
      return sum(items.map((item, i) => at(item, i)));
    case "find":
      return items.find(holds) ?? null;
    case "findLast":
      return items.findLast(holds) ?? null;
    case "findIndex":
      return BigInt(items.findIndex(holds));
    case "findLastIndex":
      return BigInt(items.findLastIndex(holds));
    case "groupBy": {
      const groups: Record<string, Value[]> = {};
      items.forEach((item, i) => {
        const key = goText(at(item, i));
        groups[key] = [...(groups[key] ?? []), item];
      });
      return groups;
    }
    case "sortBy": {
      const keyed = items.map((item, i) => ({ item, key: at(item, i) }));
      const direction = third === undefined ? undefined : run(third, env, scope);
      const ranks = sorted(
        keyed.map(({ key }) => key),
        direction,
      );
      const rank = (key: Value): number => ranks.findIndex((other) => equal(other, key));
      return kept(keyed.toSorted((a, b) => rank(a.key) - rank(b.key)).map(({ item }) => item));
    }
    default: {
      const [first, ...others] = items;
      if (third === undefined && first === undefined)
        throw new ExprError("reduce of empty array with no initial value");
      const start = third === undefined ? (first ?? null) : run(third, env, scope);
      const over = third === undefined ? others : items;
      return over.reduce<Value>((acc, item, i) => at(item, third === undefined ? i + 1 : i, acc), start);
    }
  }
}

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
      isNaN: { parameters: [T.float], result: T.bool, call: ([value = null]) => Number.isNaN(Number(value)) },
      isInf: {
        parameters: [T.float],
        result: T.bool,
        call: ([value = null]) => Math.abs(Number(value)) === Infinity,
      },
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
