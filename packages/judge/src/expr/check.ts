import { builtins } from "./builtins.ts";
import type { Environment, Scope } from "./environment.ts";
import { ExprError } from "./error.ts";
import { regex } from "./operators.ts";
import { type Node, predicates } from "./parser.ts";
import * as T from "./types.ts";

const mismatch = (operator: string, left: T.Type, right: T.Type): never => {
  throw new ExprError(
    `invalid operation: ${operator} (mismatched types ${T.typeName(left)} and ${T.typeName(right)})`,
  );
};

/** The static type of a node; what cannot work for any value is refused here, before anything is evaluated. */
export function check(node: Node, env: Environment, scope: Scope<T.Type>): T.Type {
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
