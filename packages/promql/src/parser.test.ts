import assert from "node:assert/strict";
import { test } from "node:test";
import { parser as official } from "@prometheus-io/lezer-promql";
import fc from "fast-check";
import type { Expr } from "./ast.ts";
import { parse, parseSelector } from "./parser.ts";
import { ParseError } from "./position.ts";
import { print } from "./printer.ts";

/** Queries as text, built from the grammar, all of them valid. */
const name = fc.constantFrom("up", "a:b", "m_total");
const duration = fc.constantFrom("5m", "1h30m", "300", "90s", "2d");
const label = fc.constantFrom("job", "le", "by");
const text = fc.constantFrom('"x"', "'a.b'", "`raw`", '"\\n\\u00e9"', '"(a|b).*"');
const matcher = fc.tuple(label, fc.constantFrom("=", "!=", "=~", "!~"), text).map((parts) => parts.join(""));
const selector = fc
  .tuple(name, fc.array(matcher, { maxLength: 3 }))
  .map(([metric, matchers]) => (matchers.length === 0 ? metric : `${metric}{${matchers.join(", ")}}`));
const shift = fc.constantFrom("", " offset 5m", " offset -1h", " @ 12.5", " @ start()", " @ end() offset 1m");
const labels = fc.array(label, { maxLength: 2 }).map((names) => `(${names.join(", ")})`);
const arithmetic = fc.constantFrom("+", "-", "*", "/", "%", "^", "atan2");
const comparison = fc.constantFrom("==", "!=", "<", ">=", "> bool", "<= bool");
const grouping = fc.oneof(
  fc.constant(""),
  labels.map((names) => ` on ${names}`),
  labels.map((names) => ` ignoring ${names} group_left ()`),
);

const { scalar, vector } = fc.letrec<{ scalar: string; vector: string }>((tie) => ({
  scalar: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("1", "0.5", "1e3", "Inf", "0x1f", "5m", "time()", "-2"),
    fc.tuple(tie("scalar"), arithmetic, tie("scalar")).map((parts) => parts.join(" ")),
    tie("vector").map((inner) => `scalar(${inner})`),
  ),
  vector: fc.oneof(
    { depthSize: "small" },
    fc.tuple(selector, shift).map((parts) => parts.join("")),
    fc.tuple(selector, duration, shift).map(([metric, range, at]) => `rate(${metric}[${range}]${at})`),
    fc.tuple(tie("vector"), duration).map(([inner, range]) => `max_over_time((${inner})[${range}:1m])`),
    fc.tuple(labels, tie("vector")).map(([names, inner]) => `sum by ${names} (${inner})`),
    fc.tuple(labels, tie("vector")).map(([names, inner]) => `topk(3, ${inner}) without ${names}`),
    fc
      .tuple(tie("vector"), arithmetic, grouping, tie("vector"))
      .map(([a, op, on, b]) => `(${a}) ${op}${on} (${b})`),
    fc.tuple(tie("vector"), comparison, tie("scalar")).map(([a, op, b]) => `(${a}) ${op} ${b}`),
    fc
      .tuple(tie("vector"), fc.constantFrom("and", "or", "unless"), tie("vector"))
      .map((parts) => parts.join(" ")),
    tie("vector").map((inner) => `-${inner}`),
    tie("vector").map((inner) => `(${inner})`),
  ),
}));
const query = fc.oneof(scalar, vector);

/** The tree without positions. */
const shape = (expr: Expr): unknown =>
  JSON.parse(JSON.stringify(expr, (key, value) => (key === "span" ? undefined : value)));

test("printing a query and parsing it again gives the same tree", () => {
  fc.assert(
    fc.property(query, (text) => {
      const once = parse(text);
      assert.deepEqual(shape(parse(print(once))), shape(once), print(once));
    }),
    { numRuns: 300 },
  );
});

test("whatever is read here, the official grammar reads too", () => {
  fc.assert(
    fc.property(query, (text) => {
      parse(text);
      assert.ok(!official.parse(text).toString().includes("⚠"), text);
    }),
    { numRuns: 300 },
  );
});

test("any text is either a query or a ParseError with a position", () => {
  const noise = fc.array(fc.constantFrom(..."abc_:{}[]()\"'`=~!<>+-*/^%,. 019mhs@#\n\\é".split("")), {
    maxLength: 20,
  });
  const cut = fc.tuple(query, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1)));
  fc.assert(
    fc.property(
      fc.oneof(
        noise.map((parts) => parts.join("")),
        cut,
      ),
      (text) => {
        try {
          parse(text);
        } catch (error) {
          assert.ok(error instanceof ParseError, String(error));
          assert.match(error.message, /^(\d+:\d+|unknown position): parse error: /);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("an error on a later line says so", () => {
  assert.throws(() => parse("# comment\nsum(a)\n  b"), {
    message: '3:3: parse error: unexpected identifier "b"',
  });
});

test("an empty query has no position, a blank one begins at 1:1", () => {
  assert.throws(() => parse(""), { message: "unknown position: parse error: no expression found in input" });
  assert.throws(() => parse(" # only this"), { message: "1:1: parse error: no expression found in input" });
});

test("the earlier of two faults is the one reported", () => {
  assert.throws(() => parse("a b ("), { message: '1:3: parse error: unexpected identifier "b"' });
});

test("experimental functions are refused until they are switched on", () => {
  assert.throws(() => parse('sort_by_label(a, "x")'), {
    message: '1:1: parse error: function "sort_by_label" is not enabled',
  });
  assert.throws(
    () => parse("limitk(1, a)"),
    /must be enabled with --enable-feature=promql-experimental-functions/,
  );
  parse('sort_by_label(a, "x")', { experimental: true });
});

test("a selector of match[] is a selector and nothing more", () => {
  assert.equal(parseSelector('up{job="x"}').length, 2);
  assert.throws(() => parseSelector("up offset 5m"), ParseError);
  assert.throws(() => parseSelector("sum(up)"), ParseError);
  assert.throws(() => parseSelector('{job=""}'), /at least one non-empty matcher/);
});

test("most keywords are good names for metrics", () => {
  for (const word of ["sum", "offset", "by", "and", "start", "count_values"])
    assert.equal(parse(word).kind, "vector");
  for (const word of ["bool", "on", "group_left", "atan2"]) assert.throws(() => parse(word), ParseError);
});

test("the sign binds looser than the power and than what follows an operand", () => {
  const tree = parse("-x ^ 2");
  assert.equal(tree.kind === "unary" && tree.expr.kind, "binary");
  const pinned = parse("-x @ end()");
  assert.equal(pinned.kind === "unary" && pinned.expr.kind === "vector" && pinned.expr.shift.at, "end");
});
