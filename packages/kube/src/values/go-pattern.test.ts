import assert from "node:assert/strict";
import { test } from "node:test";
import { goPattern } from "./go-pattern.ts";

test("Go's own forms: flags, anchors of the whole text, names, classes", () => {
  for (const [pattern, yes, no] of [
    ["(?i)^ab$", "AB", "ac"],
    ["\\Aab\\z", "ab", "abc"],
    ["(?P<n>x+)y", "xxy", "xx"],
    ["^\\pL+$", "é", "1"],
    ["^[[:alpha:]]+$", "a", "1"],
  ] as const) {
    assert.ok(goPattern(pattern).test(yes) && !goPattern(pattern).test(no), pattern);
  }
  assert.equal(goPattern("b+").find("abbc"), "bb");
  assert.equal(goPattern("b+").find("ac"), undefined);
});

test("what is none is refused in Go's words", () => {
  assert.throws(() => goPattern("["), /^\S*: error parsing regexp: missing closing \]/);
  for (const pattern of ["(?!a)", "(a)\\1", "a{1001}", "((a{100}){100}){100}", "(".repeat(5000)])
    assert.throws(() => goPattern(pattern), /error parsing regexp/, pattern.slice(0, 20));
});

test("no pattern takes long over any text", () => {
  for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a*)*b", "(.*a){12}$", "^([a-z]+)*\\d"])
    assert.ok(!goPattern(pattern).test(`${"a".repeat(2000)}!`), pattern);
});
