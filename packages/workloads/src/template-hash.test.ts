import assert from "node:assert/strict";
import { test } from "node:test";
import { fnv32a, safeEncode, templateHash } from "./template-hash.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const template = (image: string) => ({ spec: { containers: [{ name: "web", image }] } });

test("FNV-1a gives the published test vectors", () => {
  assert.equal(fnv32a(0x811c9dc5, bytes("")), 0x811c9dc5);
  assert.equal(fnv32a(0x811c9dc5, bytes("a")), 0xe40c292c);
  assert.equal(fnv32a(0x811c9dc5, bytes("foobar")), 0xbf9cf968);
});

test("encoded digits are safe letters, each digit always the same", () => {
  assert.equal(safeEncode("0123456789"), "456789bcdf");
});

test("the hash depends on the content and the collision count alone", () => {
  const hash = templateHash(template("web:1"), undefined);
  assert.match(hash, /^[456789bcdf]{1,10}$/);
  assert.equal(templateHash({ spec: { containers: [{ image: "web:1", name: "web" }] } }, undefined), hash);
  assert.notEqual(templateHash(template("web:2"), undefined), hash);
  assert.notEqual(templateHash(template("web:1"), 1), hash);
});
