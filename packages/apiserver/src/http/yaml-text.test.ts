import assert from "node:assert/strict";
import { test } from "node:test";
import { parseYamlText } from "./yaml-text.ts";

test("keys that come again are told by their lines, the last one counts", () => {
  const { value, duplicates } = parseYamlText("a: 1\nb:\n  c: 1\n  'c': 2\na: 3\n");
  assert.deepEqual(value, { a: 3, b: { c: 2 } });
  assert.deepEqual(duplicates, ['line 4: key "c" already set in map', 'line 5: key "a" already set in map']);
});

test("what explodes or refers to much too often is refused in the Go library's words", () => {
  const doubling = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`);
  const many = Array.from({ length: 10_000 }, (_, i) => `a${i}: &a${i} x\nb${i}: *a${i}`);
  for (const lines of [["a0: &a0 lol", ...doubling], many])
    assert.throws(
      () => parseYamlText(lines.join("\n")),
      /^Error: yaml: document contains excessive aliasing$/,
    );
});

test("a map of very many keys is read", () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `key-${i}: x`).join("\n");
  assert.equal(Object.keys(parseYamlText(text).value ?? {}).length, 20_000);
});
