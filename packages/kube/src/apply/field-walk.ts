import { isObject, jsonEqual } from "../json.ts";
import type { ValueType } from "../schema/value-type.ts";
import { type FieldSet, FieldSetBuilder } from "./field-set.ts";
import {
  elementType,
  isEmptyValue,
  memberOf,
  namedElements,
  nameOrUndefined,
  shapeOf,
} from "./field-shape.ts";

/** The fields that a configuration sets: what an applier owns. */
export function fieldsOf(type: ValueType, value: unknown): FieldSet {
  const set = new FieldSetBuilder();
  collect(type, value, [], set);
  return set.build();
}

function collect(type: ValueType, value: unknown, path: readonly string[], set: FieldSetBuilder): void {
  const shape = shapeOf(type, value);
  if (shape === "leaf") {
    set.insert(path);
  } else if (shape === "elements" && type.type === "list") {
    for (const [name, values] of namedElements(type, value)) {
      const below = [...path, name];
      // Duplicates are owned whole: there is no telling them apart.
      if (values.length === 1) collect(type.item, values[0], below, set);
      set.insert(below);
    }
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      const below = [...path, `f:${key}`];
      const { type: memberType, declared } = memberOf(type, key);
      collect(memberType, member, below, set);
      const emptyMap = isObject(member) && Object.keys(member).length === 0;
      if (member === null || emptyMap || !declared) set.insert(below);
    }
  }
}

/** Whether every element of the keyed lists in a value has a name. Without, there is no telling who owns what. */
export function isNameable(type: ValueType, value: unknown): boolean {
  const shape = shapeOf(type, value);
  if (shape === "leaf" || value === undefined || value === null) return true;
  if (type.type === "list" && Array.isArray(value)) {
    return value.every((item) => nameOrUndefined(type, item) !== undefined && isNameable(type.item, item));
  }
  return (
    !isObject(value) ||
    Object.entries(value).every(([key, member]) => isNameable(memberOf(type, key).type, member))
  );
}

/** How two values differ, field by field. No field is in two of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function compareFields(type: ValueType, before: unknown, after: unknown): Comparison {
  const sets = {
    added: new FieldSetBuilder(),
    modified: new FieldSetBuilder(),
    removed: new FieldSetBuilder(),
  };
  compare(type, before, after, [], sets);
  return { added: sets.added.build(), modified: sets.modified.build(), removed: sets.removed.build() };
}

interface Builders {
  readonly added: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
}

/** `undefined` is absence; null is a value. */
function compare(
  type: ValueType,
  before: unknown,
  after: unknown,
  path: readonly string[],
  sets: Builders,
): void {
  const shape = sharedShape(type, before, after);
  const bothEmpty = isEmptyValue(before) && isEmptyValue(after);
  if (shape === "leaf" || bothEmpty) {
    if (before === undefined) sets.added.insert(path);
    else if (after === undefined) sets.removed.insert(path);
    else if (!jsonEqual(before, after)) sets.modified.insert(path);
    return;
  }
  if (shape === "elements" && type.type === "list") {
    compareElements(type, before, after, path, sets);
  } else {
    const keys = new Set([...keysOf(before), ...keysOf(after)]);
    for (const key of keys) {
      compare(
        memberOf(type, key).type,
        memberAt(before, key),
        memberAt(after, key),
        [...path, `f:${key}`],
        sets,
      );
    }
  }
  if (before === undefined) sets.added.insert(path);
  else if (after === undefined) sets.removed.insert(path);
}

function compareElements(
  type: ValueType & { type: "list" },
  before: unknown,
  after: unknown,
  path: readonly string[],
  sets: Builders,
): void {
  const left = namedElements(type, before);
  const right = namedElements(type, after);
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [old = [], now = []] = [left.get(name), right.get(name)];
    const below = [...path, name];
    if (old.length <= 1 && now.length <= 1) compare(elementType(type), old[0], now[0], below, sets);
    else if (old.length > 1 && now.length > 1) {
      if (!jsonEqual(old, now)) sets.modified.insert(below);
    } else if (old.length > 1) {
      if (now.length === 1) compare(elementType(type), undefined, now[0], below, sets);
      sets.removed.insert(below);
    } else {
      if (old.length === 1) compare(elementType(type), old[0], undefined, below, sets);
      sets.added.insert(below);
    }
  }
}

/** Values of different shapes (a map that became a list) are compared whole. */
function sharedShape(type: ValueType, before: unknown, after: unknown): ReturnType<typeof shapeOf> {
  const left = shapeOf(type, before, after);
  return left === shapeOf(type, after, before) ? left : "leaf";
}

const keysOf = (value: unknown): string[] => (isObject(value) ? Object.keys(value) : []);
const memberAt = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
