import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketIndex, ExponentialBuckets } from "./exponential.ts";

test("every value is counted once, in a bucket whose bounds hold it, and never in too many buckets", () => {
  const value = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 2, max: 160 }),
      (values, size) => {
        const histogram = new ExponentialBuckets(size);
        for (const v of values) histogram.observe(v);
        const { offset, bucketCounts } = histogram.buckets();
        assert.ok(bucketCounts.length <= size || histogram.scale === -10);
        assert.equal(bucketCounts.reduce((a, b) => a + b, 0) + histogram.zeroCount, values.length);
        assert.equal(histogram.zeroCount, values.filter((v) => v === 0).length);
        for (const v of values.filter((v) => v > 0)) {
          assert.ok((bucketCounts[bucketIndex(v, histogram.scale) - offset] ?? 0) > 0, `no bucket for ${v}`);
        }
        assert.deepEqual([histogram.min, histogram.max], [Math.min(...values), Math.max(...values)]);
      },
    ),
  );
});

test("bounds belong to the bucket below them", () => {
  assert.deepEqual(
    [1, 1.5, 2, 4].map((v) => bucketIndex(v, 0)),
    [-1, 0, 0, 1],
  );
  assert.deepEqual(
    [1, 1.3, 1.5, 2].map((v) => bucketIndex(v, 1)),
    [-1, 0, 1, 1],
  );
  assert.deepEqual(
    [1, 2, 3, 4, 5, 16].map((v) => bucketIndex(v, -1)),
    [-1, 0, 0, 0, 1, 1],
  );
});
