import { builtins, listOf, sorted, sum } from "./builtins.ts";
import type { Environment, Scope } from "./environment.ts";
import { ExprError } from "./error.ts";
import { arithmetic, fetch, method, order, range, regex, textOperand } from "./operators.ts";
import { type Node, predicates } from "./parser.ts";
import { Duration, equal, goText, goType, isList, isMap, isNumber, type Value } from "./values.ts";

/** The value of a node whose types were checked. Throws `ExprError` for what only shows in the values. */
export function run(node: Node, env: Environment, scope: Scope<Value>): Value {
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
      return regex(textOperand(right, operator, left, right))
        .matcher(textOperand(left, operator, left, right))
        .find();
    case "contains":
      return textOperand(left, operator, left, right).includes(textOperand(right, operator, left, right));
    case "startsWith":
      return textOperand(left, operator, left, right).startsWith(textOperand(right, operator, left, right));
    case "endsWith":
      return textOperand(left, operator, left, right).endsWith(textOperand(right, operator, left, right));
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
