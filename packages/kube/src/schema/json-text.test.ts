import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJsonText } from "./json-text.ts";

test("any JSON is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(parseJsonText(text).value, JSON.parse(text));
    }),
  );
});

test("fields that occur twice are told, with their places", () => {
  const { value, duplicates } = parseJsonText('{"a":{"b":1,"b":2},"l":[{},{"x":1,"x":1}],"a":{"c":3}}');
  assert.deepEqual(duplicates, ["a.b", "l[1].x", "a"]);
  assert.deepEqual(value, { a: { c: 3 }, l: [{}, { x: 1 }] });
});

test("what is malformed is refused as Go refuses it", () => {
  const cases: [string, string][] = [
    ["", "unexpected end of JSON input"],
    ['{"a":1', "unexpected end of JSON input"],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["1 2", "invalid character '2' after top-level value"],
    ["tru", "invalid character ' ' in literal true (expecting 'e')"],
    ["trux", "invalid character 'x' in literal true (expecting 'e')"],
    ["01", "invalid character '1' after top-level value"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ["not json", "invalid character 'o' in literal null (expecting 'u')"],
  ];
  for (const [text, message] of cases) assert.throws(() => parseJsonText(text), { message }, text);
});

test("names that objects inherit are members like others", () => {
  const { value } = parseJsonText('{"__proto__":{"x":1},"constructor":2}');
  assert.deepEqual(Object.keys(value ?? {}), ["__proto__", "constructor"]);
});
