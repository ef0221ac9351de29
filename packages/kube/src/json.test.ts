import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { copyJson, jsonEqual } from "./json.ts";

test("a copy is the same and shares nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const copy = copyJson(value);
      assert.equal(JSON.stringify(copy), text);
      assert.ok(jsonEqual(copy, value));
      spoil(copy);
      assert.equal(JSON.stringify(value), text);
    }),
  );
});

test("a member named __proto__ is copied as one", () => {
  const value = JSON.parse('{"__proto__":{"a":1},"b":[{"constructor":2}]}');
  assert.equal(JSON.stringify(copyJson(value)), '{"__proto__":{"a":1},"b":[{"constructor":2}]}');
  assert.equal(Object.getPrototypeOf(copyJson(value)), Object.prototype);
});

/** Changes every list and object in a value. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const child of Object.values(value)) spoil(child);
  if (Array.isArray(value)) value.push("spoilt");
  else Object.assign(value, { spoilt: true });
}
