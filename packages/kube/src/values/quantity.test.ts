import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityCeil,
} from "./quantity.ts";

test("quantities are written in canonical form", () => {
  const cases: [string | number, string][] = [
    ["0.5", "500m"],
    ["1.5Gi", "1536Mi"],
    ["1024Ki", "1Mi"],
    ["1000m", "1"],
    ["100M", "100M"],
    ["1e3", "1e3"],
    ["12000", "12k"],
    ["512Ki", "512Ki"],
    ["0.5Ki", "512"],
    ["-1.1Gi", "-1181116006400m"],
    ["0Mi", "0"],
    ["0.0000000001", "1n"],
    [2, "2"],
    ["+1", "1"],
    [".5", "500m"],
    ["9223372036854775807Ei", "9223372036854775807"],
  ];
  for (const [text, expected] of cases) assert.equal(canonicalQuantity(text), expected, String(text));
});

test("what is no quantity is refused with Kubernetes' words", () => {
  const form = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  for (const text of ["64Megs", "", "x", "1 Mi"]) assert.throws(() => parseQuantity(text), { message: form });
  assert.throws(() => parseQuantity("1MM"), { message: "unable to parse quantity's suffix" });
});

test("order and rounding go by value, not by form", () => {
  assert.equal(compareQuantities("1000m", "1"), 0);
  assert.equal(compareQuantities("1Gi", "1G"), 1);
  assert.equal(quantityCeil("1500m"), 2);
});

test("the canonical form keeps the value and is stable", () => {
  const text = fc
    .tuple(
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      fc.constantFrom("", "m", "u", "k", "M", "Ki", "Gi", "e2"),
    )
    .map(([n, suffix]) => `${n}${suffix}`);
  fc.assert(
    fc.property(text, (quantity) => {
      const canonical = canonicalQuantity(quantity);
      assert.equal(compareQuantities(quantity, canonical), 0);
      assert.equal(formatQuantity(parseQuantity(canonical)), canonical);
    }),
  );
});
