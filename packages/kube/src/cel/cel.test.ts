import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileCel } from "./evaluate.ts";
import { CelError } from "./functions.ts";
import { CelSyntaxError, parseCel } from "./syntax.ts";

test("rules know the operators and functions that CRDs use", () => {
  const cases: [string, object, boolean][] = [
    ["self.a == 1 ? self.b : !self.b", { a: 1, b: true }, true],
    ["has(self.a) && self.a.size() > 0 || size(self.b) == 2", { b: [1, 2] }, true],
    ["self.list.all(x, x.n in ['a', \"b\"])", { list: [{ n: "a" }, { n: "b" }] }, true],
    ["self.list.exists_one(x, x > 1) && self.list.map(x, x * 2) == [2, 4]", { list: [1, 2] }, true],
    ["self.list.filter(x, x > 1).size() == 1", { list: [1, 2] }, true],
    ["self.s.matches('^[a-z]+$') && self.s.startsWith('a') && !self.s.contains('z')", { s: "abc" }, true],
    ["type(self.v) == string ? self.v.endsWith('%') : self.v >= 0", { v: "25%" }, true],
    ["self.missing == 1 || self.a == 1", { a: 1 }, true],
    ["7 / 2 == 3 && -7 % 4 == -3 && 1 + 2 * 3 == 7", {}, true],
    ["self.__namespace__ == 'x' && self.a__dash__b == 1", { namespace: "x", "a-b": 1 }, true],
    ["duration(self.d) > duration('1m')", { d: "90s" }, true],
    ["quantity(self.q).isLessThan(quantity('1Gi'))", { q: "1G" }, true],
    ["{'a': 1}['a'] == 1 && self == oldSelf", {}, false],
  ];
  for (const [rule, self, expected] of cases) {
    assert.equal(compileCel(rule).evaluate({ self, oldSelf: 0 }), expected, rule);
  }
  assert.throws(() => compileCel("self.x.frobnicate()"), {
    message: "undeclared reference to 'frobnicate' (in container '')",
  });
  assert.throws(() => compileCel("self.x =="), /unexpected end of expression/);
});

test("arithmetic is that of whole numbers", () => {
  const number = fc.integer({ min: -1000, max: 1000 });
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      const rule = `self.a + self.b * self.c - (self.a - self.b) * 2 == ${a + b * c - (a - b) * 2}`;
      assert.equal(compileCel(rule.replace("== -", "== 0 - ")).evaluate({ self: { a, b, c } }), true);
    }),
  );
});

test("a side that fails counts only if the other does not decide", () => {
  const fails = "self.missing == 1";
  assert.equal(compileCel(`${fails} || true`).evaluate({ self: {} }), true);
  assert.equal(compileCel(`false && ${fails}`).evaluate({ self: {} }), false);
  assert.throws(() => compileCel(`${fails} || false`).evaluate({ self: {} }), CelError);
  assert.equal(compileCel("self.l.exists(x, x.a == 1)").evaluate({ self: { l: [{}, { a: 1 }] } }), true);
});

test("any text is read or refused", () => {
  const part = fc.constantFrom(
    "self",
    ".",
    "a",
    "(",
    ")",
    "[",
    "]",
    "==",
    "&&",
    "!",
    "1",
    "'x'",
    ",",
    "?",
    ":",
    " ",
    "in",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part).map((parts) => parts.join("")),
      ),
      (text) => {
        try {
          parseCel(text);
        } catch (error) {
          assert.ok(error instanceof CelSyntaxError, String(error));
        }
      },
    ),
  );
});
