import assert from "node:assert/strict";
import { test } from "node:test";
import { scaledValue } from "./int-or-percent.ts";
import { canonicalTime, formatMicroTime, formatTime, parseTime } from "./time.ts";

test("times are written with the digits that Go expects", () => {
  assert.equal(formatTime(1_700_000_000_999), "2023-11-14T22:13:20Z");
  assert.equal(formatMicroTime(1_700_000_000_999), "2023-11-14T22:13:20.999000Z");
});

test("fractions and offsets are read, impossible dates are not", () => {
  assert.equal(canonicalTime("2024-02-29T01:00:00.123+02:00"), "2024-02-28T23:00:00Z");
  assert.equal(parseTime("2023-02-29T00:00:00Z"), undefined);
  assert.equal(parseTime("yesterday"), undefined);
  assert.equal(parseTime("0001-01-01T00:00:00Z"), -62_135_596_800_000);
});

test("percentages round as asked", () => {
  assert.equal(scaledValue("25%", 3, true), 1);
  assert.equal(scaledValue("25%", 3, false), 0);
  assert.equal(scaledValue(2, 10, true), 2);
  assert.throws(() => scaledValue("x", 1, true), {
    message: "invalid value for IntOrString: invalid type: string is not a percentage",
  });
});
