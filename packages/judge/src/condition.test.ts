import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluateCondition, evaluateTime, fromJson, judgeMeasurement, type Value } from "./index.ts";

const nums = (...values: number[]): Value => Float64Array.from(values);
const doc = fromJson({ data: { ok: true, rate: 0.995, n: 12 } });
const three = nums(0.5, 0.7, 0.9);
const rows = fromJson([{ s: "ok" }, { s: "bad" }]);

/** Result, condition, and what it says: true, false, or the error. */
const table: readonly [Value, string, boolean | string][] = [
  [nums(0.97), "result[0] >= 0.95", true],
  [nums(0.9), "result[0] >= 0.95", false],
  [nums(), "result[0] >= 0.95", "reflect: slice index out of range"],
  [nums(), "len(result) == 0 || result[0] >= 0.95", true],
  [nums(), "result[0] > 1 || true", true],
  [nums(), "isNil(result)", false],
  [nums(), "default(result, 0) == 0", false],
  [nums(), "default(result, 0) == 0 || isNaN(result[0])", "reflect: slice index out of range"],
  [nums(), "all(result, # > 1)", true],
  [nums(), "sum(result) == 0", true],
  [nums(), "mean(result) > 1", false],
  [nums(), "first(result) == nil", true],
  [nums(), "result == []", true],
  [nums(NaN), "result[0] >= 0.95", false],
  [nums(NaN), "isNaN(result[0]) || result[0] >= 0.95", true],
  [nums(NaN), "result[0] != result[0]", true],
  [nums(Infinity), "isInf(result[0]) && result[0] > 1000000", true],
  [three, "all(result, # > 0.4)", true],
  [three, "all(result, {# > 0.6})", false],
  [three, "any(result, # > 0.8) && none(result, # > 1) && one(result, # > 0.8)", true],
  [three, "count(result, # > 0.6) == 2 && len(filter(result, # > 0.6)) >= 2", true],
  [three, "max(result) < 1 && min(result) == 0.5 && median(result) == 0.7", true],
  [three, "reduce(result, #acc + #, 0) > 2", true],
  [three, "let m = max(result); m > 0.8 && m < 1", true],
  [three, "result[-1] == 0.9 && 0.7 in result && sort(result)[0] == 0.5", true],
  [nums(2, 2), "2 in result", true],
  [three, "result > 0.4", "invalid operation: > (mismatched types []float64 and float64)"],
  [nums(0.5), "result[0]", "expected bool, but got float64"],
  [nums(0.5), "result", "expected bool, but got []float64"],
  [nums(0.5), "get(result, 1) == nil", true],
  [nums(0.25), "result[0] < 0.3 AND true", 'unexpected token Identifier("AND")'],
  [5, "result in 1..10", true],
  [5, "result in [1,5]", true],
  [5, "result ** 2 == 25 && result / 2 == 2.5 && 5 / 2 == 2.5 && result / 0 > 1", true],
  [5, "result % 2 == 1", "invalid operation: % (mismatched types float64 and int)"],
  [5, "int(result) % 2 == 1 && asInt(result) % 2 == 1", true],
  [5, 'result == "5"', "invalid operation: == (mismatched types float64 and string)"],
  [5, "reslt > 1", "unknown name reslt"],
  [5, "result >", "unexpected token EOF"],
  [5, "result.foo == 1", "type float64 has no field foo"],
  [5, "len(result) > 0", "invalid argument for len (type float64)"],
  [5, "1", "expected bool, but got int"],
  [5, '"yes"', "expected bool, but got string"],
  [5, "nil", "expected bool, but got <nil>"],
  [5, "isNaN(1)", false],
  [5, "isNaN(result, 1)", "too many arguments to call isNaN"],
  [5, 'isNaN("a")', "cannot use string as argument (type float64) to call isNaN "],
  [5, 'now() > date("2020-01-01") && duration("1h").Minutes() == 60', true],
  [null, "isNil(result) && default(result, 0) < 0.05 && (result ?? 0) < 0.05 && result == nil", true],
  ["1.5", "asFloat(result) > 1 && float(result) > 1", true],
  ["1.5", "asInt(result) == 1", 'strconv.ParseInt: parsing "1.5": invalid syntax'],
  ["abc", "asFloat(result) > 1", 'strconv.ParseFloat: parsing "abc": invalid syntax'],
  [
    "up",
    'result matches "^u" && upper(result) == "UP" && result contains "p" and result startsWith "u"',
    true,
  ],
  [true, "result == true", true],
  [true, "asInt(result) == 1", "asInt() not supported on bool true"],
  [doc, 'result.data.ok && result.data.rate >= 0.99 && result.data["n"] > 10 && "data" in result', true],
  [doc, "result.data.missing == nil && result.nope?.deep == nil", true],
  [doc, 'result.data.ok == "true"', false],
  [doc, "result.data.missing > 1", "invalid operation: <nil> > int"],
  [doc, "result.nope.deep == 1", "cannot fetch deep from <nil>"],
  [fromJson([1, 2, 3]), "len(result) == 3 and result[0] == 1 and sum(result) == 6", true],
  [rows, 'all(result, .s == "ok")', false],
  [rows, 'any(result, {#.s == "bad"}) && map(result, .s) == ["ok","bad"]', true],
  [5, "result > 1 ? true : false", true],
  [5, '"a" not in ["b"] && not (result < 1)', true],
  [5, "result > 1 | foo()", "unknown name foo"],
];

for (const [result, condition, expected] of table)
  test(`${condition} says ${String(expected)}`, () => {
    const outcome = evaluateCondition(condition, result, Date.parse("2030-01-01"));
    assert.deepEqual(outcome, typeof expected === "boolean" ? { holds: expected } : { error: expected });
  });

test("without conditions a measurement is successful, with both failure wins and neither is inconclusive", () => {
  assert.equal(judgeMeasurement({}, nums(), 0).phase, "Successful");
  const both = { successCondition: "result[0] < 2", failureCondition: "result[0] > 0" };
  assert.equal(judgeMeasurement(both, nums(1), 0).phase, "Failed");
  assert.equal(judgeMeasurement(both, nums(-1), 0).phase, "Successful");
  assert.equal(
    judgeMeasurement(
      { successCondition: "result[0] < 0.1", failureCondition: "result[0] > 0.5" },
      nums(0.2),
      0,
    ).phase,
    "Inconclusive",
  );
  assert.equal(judgeMeasurement({ failureCondition: "result[0] > 0.5" }, nums(0.2), 0).phase, "Successful");
});

test("no text makes the language throw anything but its own errors", () => {
  const word = fc.constantFrom(
    "result",
    "[0]",
    "(",
    ")",
    "<",
    "&&",
    "len",
    "1",
    "0.5",
    '"x"',
    "#",
    ".",
    "..",
    "all",
    ",",
    "not",
    "in",
    "?",
    ":",
    "{",
    "}",
    "let",
    "=",
    ";",
    "|",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join(" ")),
      ),
      (source) => {
        const outcome = evaluateCondition(source, nums(1), 0);
        assert.ok("error" in outcome || typeof outcome.holds === "boolean");
      },
    ),
  );
});

test("comparison of numbers agrees with the numbers", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), (value, limit) => {
      assert.deepEqual(evaluateCondition(`result[0] < ${limit}`, nums(value), 0), { holds: value < limit });
    }),
  );
});

test("a time is computed by an expression of its own, which knows no result", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  assert.deepEqual(evaluateTime('now() - duration("10m")', now), { ms: now - 600_000 });
  assert.deepEqual(evaluateTime('isNaN(1) ? now() : date("2029-12-31")', now), { ms: now - 86_400_000 });
  assert.deepEqual(evaluateTime("5.0", now), { error: "expected time.Time, but got float64" });
  assert.deepEqual(evaluateTime("result", now), { error: "unknown name result" });
});
