import assert from "node:assert/strict";
import { validateHeaderValue } from "node:http";
import { test } from "node:test";
import fc from "fast-check";
import { warningHeaders } from "./warning-headers.ts";

const utf8 = (value: string) => Buffer.from(value, "latin1").toString("utf8");

test("a text is quoted, and told once", () => {
  assert.deepEqual(warningHeaders(['unknown field "spec.a\\b"', 'unknown field "spec.a\\b"', ""]), [
    String.raw`299 - "unknown field \"spec.a\\b\""`,
  ]);
});

test("characters beyond ASCII travel as UTF-8", () => {
  const [value = ""] = warningHeaders(['unknown field "größe\ufffd😀"']);
  assert.equal(utf8(value), '299 - "unknown field \\"größe\ufffd😀\\""');
});

test("a text with control characters is left out", () => {
  assert.deepEqual(warningHeaders(["a\nb", "a\u0085b", "c"]), ['299 - "c"']);
});

test("many texts are cut at 256 characters each, and at some 4,096 together", () => {
  const long = (letter: string) => letter.repeat(1000);
  const fitting = ["a", "b", "c", "d"].map(long);
  assert.deepEqual(warningHeaders(fitting)[3]?.length, 8 + 1000);
  const cut = warningHeaders([..."abcdefghijklmnopqrst"].map(long));
  assert.equal(cut.length, 16);
  assert.ok(cut.every((value) => value.length === 8 + 256));
});

test("whatever the texts, the headers can be sent", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 30 }), (texts) => {
      for (const value of warningHeaders(texts)) validateHeaderValue("Warning", value);
    }),
  );
});
