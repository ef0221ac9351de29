import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatRequirements, matchesRequirements } from "./label-requirement.ts";
import { formatLabelSelector, matchesLabelSelector, parseLabelSelector } from "./label-selector.ts";

test("requirements match as Kubernetes says, absent keys included", () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ["", {}, true],
    ["a", { a: "" }, true],
    ["!a", {}, true],
    ["a=b", { a: "b" }, true],
    ["a==b,c", { a: "b" }, false],
    ["a!=b", {}, true],
    ["a notin (b,c)", { a: "c" }, false],
    ["a notin (b,c)", {}, true],
    ["a in (b, c)", { a: "c" }, true],
    ["a>5", { a: "6" }, true],
    ["a<5", { a: "x" }, false],
    ["in in (in)", { in: "in" }, true],
    ["x in (foo,,baz),y,z notin ()", { x: "", y: "1", z: "2" }, true],
    ["constructor", {}, false],
  ];
  for (const [text, labels, expected] of cases) {
    assert.equal(matchesRequirements(parseLabelSelector(text), labels), expected, text);
  }
});

test("what cannot be read is refused with Kubernetes' own words", () => {
  const cases: [string, string][] = [
    ["x in y", "unable to parse requirement: found 'y' expected: '('"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a,", "found '', expected: identifier after ','"],
    ["=a", "found '=', expected: !, identifier, or 'end of string'"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    [
      "a>x",
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ];
  for (const [text, message] of cases) assert.throws(() => parseLabelSelector(text), { message });
});

test("an absent selector selects nothing, an empty one everything", () => {
  assert.equal(matchesLabelSelector(undefined, { a: "b" }), false);
  assert.equal(matchesLabelSelector({}, {}), true);
  const selector = {
    matchLabels: { app: "web" },
    matchExpressions: [{ key: "tier", operator: "In" as const, values: ["b", "a"] }],
  };
  assert.equal(matchesLabelSelector(selector, { app: "web", tier: "a" }), true);
  assert.equal(formatLabelSelector(selector), "app=web,tier in (a,b)");
});

test("formatting and parsing are inverse", () => {
  const name = fc.stringMatching(/^[a-z]([a-z0-9]{0,5}[a-z0-9])?$/);
  const requirement = fc.oneof(
    name.map((key) => `${key}`),
    name.map((key) => `!${key}`),
    fc.tuple(name, fc.constantFrom("=", "==", "!="), name).map((parts) => parts.join("")),
    fc
      .tuple(name, fc.constantFrom("in", "notin"), fc.uniqueArray(name, { minLength: 1 }))
      .map(([key, operator, values]) => `${key} ${operator} (${values.sort().join(",")})`),
  );
  fc.assert(
    fc.property(fc.array(requirement), (texts) => {
      const once = formatRequirements(parseLabelSelector(texts.join(",")));
      assert.equal(formatRequirements(parseLabelSelector(once)), once);
    }),
  );
});
