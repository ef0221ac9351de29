/**
 * The order of a merged list: elements that the patch names stand as it names them, the others keep their places among
 * themselves, and where both are known from the original, the original order decides between them.
 */
import { isObject, jsonEqual } from "../json.ts";

/** `order` is the patch (or its `$setElementOrder`), `before` the list as it was; `key` the merge key of objects. */
export function orderMerged(
  merged: readonly unknown[],
  order: readonly unknown[],
  before: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const at = (list: readonly unknown[], element: unknown) =>
    list.findIndex((other) => sameElement(other, element, key));
  const sortBy = (elements: readonly unknown[], by: readonly unknown[]) =>
    [...elements].sort((a, b) => at(by, a) - at(by, b));
  const named = sortBy(
    merged.filter((element) => at(order, element) >= 0),
    order,
  );
  const others = sortBy(
    merged.filter((element) => at(order, element) < 0),
    before,
  );
  const result: unknown[] = [];
  while (named.length > 0 || others.length > 0) {
    const takeOther = named.length === 0 || (others.length > 0 && precedes(others[0], named[0]));
    result.push(takeOther ? others.shift() : named.shift());
  }
  return result;

  function precedes(other: unknown, name: unknown): boolean {
    const [left, right] = [at(before, other), at(before, name)];
    return left >= 0 && right >= 0 && left < right;
  }
}

/** Whether two elements are the same one: by merge key for objects, by value for others. */
export function sameElement(a: unknown, b: unknown, key: string | undefined): boolean {
  if (key === undefined || !isObject(a) || !isObject(b)) return jsonEqual(a, b);
  return a[key] !== undefined && jsonEqual(a[key], b[key]);
}
