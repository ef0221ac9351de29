import { isObject, type JsonObject, setKey } from "../json.ts";
import type { ListType, ValueType } from "../schema/value-type.ts";
import { type FieldSet, isEmptySet } from "./field-set.ts";
import { isEmptyValue, memberOf, nameOrUndefined, shapeOf } from "./field-shape.ts";

/** The live object with a configuration laid over it: leaves from the configuration, keyed lists element by element. */
export function mergeApplied(type: ValueType, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  if (live === undefined) return applied;
  const shape = shapeOf(type, applied, live);
  const leaf = shape === "leaf" || shapeOf(type, live, applied) !== shape;
  if (leaf || (isEmptyValue(live) && isEmptyValue(applied))) return applied;
  if (shape === "elements" && type.type === "list") return mergeElements(type, live, applied);
  const result: JsonObject = {};
  const [left, right] = [isObject(live) ? live : {}, isObject(applied) ? applied : {}];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const member = memberOf(type, key).type;
    setKey(result, key, mergeApplied(member, ownValue(left, key), ownValue(right, key)));
  }
  return result;
}

/**
 * Elements of both lists: those that both name stand in the applied order, the live ones that only the live list has keep
 * their places before the next shared element.
 */
function mergeElements(type: ListType, live: unknown, applied: unknown): unknown[] {
  const left = elementsOf(type, live);
  const right = elementsOf(type, applied);
  const onRight = new Map(right.map((element) => [element.name, element.value]));
  const onLeft = new Map<string, unknown>();
  for (const { name, value } of left) onLeft.set(name, onLeft.has(name) ? undefined : value);
  const shared = right.map(({ name }) => name).filter((name) => onLeft.has(name));
  const merged: unknown[] = [];
  const taken = new Set<string>();
  let [l, r, s] = [0, 0, 0];
  const takeRight = (name: string) => {
    taken.add(name);
    merged.push(mergeApplied(type.item, onLeft.get(name), onRight.get(name)));
    r++;
    if (shared[s] === name) s++;
  };
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]];
    if (mine !== undefined && theirs !== undefined) {
      if (mine.name === theirs.name) {
        takeRight(theirs.name);
        l++;
        continue;
      }
      if (onRight.has(mine.name) && shared[s] !== undefined && shared[s] !== mine.name) {
        l++;
        continue;
      }
    }
    if (mine !== undefined && !onRight.has(mine.name)) {
      merged.push(mine.value);
      l++;
      continue;
    }
    if (mine !== undefined && taken.has(mine.name)) l++;
    if (theirs !== undefined) takeRight(theirs.name);
    else if (mine !== undefined && !taken.has(mine.name)) l++;
  }
  return merged;
}

function elementsOf(type: ListType, list: unknown): { name: string; value: unknown }[] {
  return (Array.isArray(list) ? list : []).map((value, i) => ({
    name: nameOrUndefined(type, value) ?? `?:${i}`,
    value,
  }));
}

/** The value without the fields of a set. What is emptied by it is null. */
export function withoutFields(type: ValueType, value: unknown, remove: FieldSet): unknown {
  if (value === undefined || isEmptySet(remove)) return value;
  const shape = shapeOf(type, value);
  if (shape === "elements" && type.type === "list" && Array.isArray(value)) {
    const kept = value.flatMap((element) => {
      const below = remove.children.get(nameOrUndefined(type, element) ?? "");
      if (below?.member) return [];
      return [below === undefined ? element : withoutFields(type.item, element, below)];
    });
    return kept.length === 0 ? null : kept;
  }
  if (shape !== "members" || !isObject(value)) return shape === "leaf" && isContainer(type) ? null : value;
  const result: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const below = remove.children.get(`f:${key}`);
    if (below?.member) continue;
    setKey(
      result,
      key,
      below === undefined ? member : withoutFields(memberOf(type, key).type, member, below),
    );
  }
  return Object.keys(result).length === 0 ? null : result;
}

const isContainer = (type: ValueType): boolean =>
  type.type === "list" || type.type === "map" || type.type === "struct";

/** The set with every declared field on the way to its paths included: a field cannot stay when what it held is gone. */
export function withDeclaredFields(type: ValueType, set: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    const name = element.slice(2);
    const isField = element.startsWith("f:");
    const { type: memberType, declared } = memberOf(type, name);
    const below = isField ? memberType : type.type === "list" ? type.item : memberType;
    const { member, children: rest } = withDeclaredFields(below, child);
    children.set(element, { member: member || (isField && declared), children: rest });
  }
  return { member: set.member, children };
}

const ownValue = (object: JsonObject, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;
