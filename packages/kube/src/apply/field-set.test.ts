import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  difference,
  differenceBelow,
  fromFieldsV1,
  intersection,
  pathsOf,
  pathText,
  setOfPaths,
  toFieldsV1,
  union,
} from "./field-set.ts";

const element = fc.oneof(
  fc.constantFrom("f:a", "f:b", "f:c"),
  fc.constantFrom('k:{"name":"x"}', 'k:{"name":"y"}', 'v:"z"', "i:0"),
);
const paths = fc.array(fc.array(element, { minLength: 1, maxLength: 4 }));
const texts = (set: ReturnType<typeof setOfPaths>) =>
  new Set([...pathsOf(set)].map((path) => path.join("/")));

test("sets are sets of paths", () => {
  fc.assert(
    fc.property(paths, paths, (left, right) => {
      const [a, b] = [setOfPaths(left), setOfPaths(right)];
      const [x, y] = [texts(a), texts(b)];
      assert.deepEqual(texts(union(a, b)), new Set([...x, ...y]));
      assert.deepEqual(texts(intersection(a, b)), new Set([...x].filter((path) => y.has(path))));
      assert.deepEqual(texts(difference(a, b)), new Set([...x].filter((path) => !y.has(path))));
      const below = [...x].filter(
        (path) => ![...y].some((other) => path === other || path.startsWith(`${other}/`)),
      );
      assert.deepEqual(texts(differenceBelow(a, b)), new Set(below));
    }),
  );
});

test("FieldsV1 holds a set without loss", () => {
  fc.assert(
    fc.property(paths, (all) => {
      const set = setOfPaths(all);
      assert.deepEqual(texts(fromFieldsV1(toFieldsV1(set))), texts(set));
    }),
  );
});

test("paths are written as conflicts show them", () => {
  const path = ["f:spec", "f:containers", 'k:{"name":"c"}', "f:image"];
  assert.equal(pathText(path), '.spec.containers[name="c"].image');
  assert.equal(pathText(["f:metadata", "f:finalizers", 'v:"a/b"']), '.metadata.finalizers[="a/b"]');
});
