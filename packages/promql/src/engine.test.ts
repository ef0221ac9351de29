import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, setStale } from "@tracegate/contracts";
import fc from "fast-check";
import { MemorySource } from "../testing/index.ts";
import { instantQuery, rangeQuery } from "./engine.ts";
import { EvaluationError } from "./evaluation-error.ts";

function sourceOf(series: Record<string, [number, number][]>): MemorySource {
  const source = new MemorySource();
  for (const [name, samples] of Object.entries(series)) {
    const times = Float64Array.from(samples, ([time]) => time);
    source.add(
      Labels.from({ __name__: name }),
      times,
      Float64Array.from(samples, ([, value]) => value),
    );
  }
  return source;
}

function firstValue(source: MemorySource, query: string, time: number): number | undefined {
  const { value } = instantQuery(source, query, time);
  return value.type === "vector" ? value.samples[0]?.value : undefined;
}

/** The rule for rate, step by step on a plain list, to hold the sliding evaluation against. */
function naiveIncrease(samples: [number, number][], end: number, rangeMs: number): number | undefined {
  const inside = samples.filter(([time]) => time > end - rangeMs && time <= end);
  const [first] = inside;
  const last = inside.at(-1);
  if (first === undefined || last === undefined || inside.length < 2) return undefined;
  let raw = last[1] - first[1];
  for (let i = 1; i < inside.length; i++) {
    const [before, now] = [inside[i - 1]?.[1] ?? 0, inside[i]?.[1] ?? 0];
    if (now < before) raw += before;
  }
  const sampled = (last[0] - first[0]) / 1000;
  const gap = sampled / (inside.length - 1);
  let toStart = (first[0] - (end - rangeMs)) / 1000;
  let toEnd = (end - last[0]) / 1000;
  if (toStart >= gap * 1.1) toStart = gap / 2;
  if (raw > 0 && first[1] >= 0) toStart = Math.min(toStart, (sampled * first[1]) / raw);
  if (toEnd >= gap * 1.1) toEnd = gap / 2;
  return (raw * (sampled + toStart + toEnd)) / sampled;
}

const samplesOf = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 0, max: 50 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let time = 0;
    return steps.map(([gap, value]): [number, number] => {
      time += gap;
      return [time, value];
    });
  });

test("increase agrees with the rule written out, at every step of a range", () => {
  fc.assert(
    fc.property(samplesOf, fc.integer({ min: 1000, max: 300_000 }), (samples, rangeMs) => {
      const source = sourceOf({ m_total: samples });
      const end = samples.at(-1)?.[0] ?? 0;
      const stepMs = 7_001;
      const { value } = rangeQuery(source, `increase(m_total[${rangeMs}ms])`, { start: 0, end, stepMs });
      assert.equal(value.type, "matrix");
      const got = new Map<number, number>();
      if (value.type === "matrix") {
        for (const { times, values } of value.series)
          times.forEach((time, i) => {
            got.set(time, values[i] ?? 0);
          });
      }
      for (let time = 0; time <= end; time += stepMs) {
        const expected = naiveIncrease(samples, time, rangeMs);
        const actual = got.get(time);
        if (expected === undefined) assert.equal(actual, undefined);
        else
          assert.ok(
            Math.abs((actual ?? Number.NaN) - expected) <= 1e-9 * Math.abs(expected),
            `${actual} ${expected}`,
          );
      }
    }),
  );
});

test("a range query says at each step what an instant query says there", () => {
  const queries = [
    "m",
    "rate(m[1m])",
    "sum(m) / 2",
    "max_over_time(m[2m:20s])",
    "m > 10",
    "m offset 30s or vector(1)",
    "deriv(m[1m])",
  ];
  fc.assert(
    fc.property(samplesOf, fc.constantFrom(...queries), (samples, query) => {
      const source = sourceOf({ m: samples });
      const { value } = rangeQuery(source, query, { start: 0, end: 200_000, stepMs: 9_000 });
      assert.equal(value.type, "matrix");
      if (value.type !== "matrix") return;
      for (let time = 0; time <= 200_000; time += 9_000) {
        const once = instantQuery(source, query, time).value;
        const expected = once.type === "vector" ? once.samples.map(({ value }) => value) : [];
        const actual: number[] = value.series.flatMap(({ times, values }) => {
          const i = times.indexOf(time);
          return i < 0 ? [] : [values[i] ?? 0];
        });
        assert.deepEqual(actual.sort(), expected.sort(), `${query} at ${time}`);
      }
    }),
  );
});

test("the staleness marker ends a series, an ordinary NaN does not", () => {
  const source = new MemorySource();
  const values = new Float64Array([1, Number.NaN, 0]);
  setStale(values, 2);
  source.add(Labels.from({ __name__: "m" }), new Float64Array([0, 10_000, 20_000]), values);
  assert.equal(firstValue(source, "m", 10_000), Number.NaN);
  assert.equal(firstValue(source, "m", 20_000), undefined);
  assert.equal(firstValue(source, "count_over_time(m[1m])", 20_000), 2);
});

test("a query that holds too many samples is refused", () => {
  const source = sourceOf({ m: Array.from({ length: 100 }, (_, i): [number, number] => [i * 1000, i]) });
  assert.throws(
    () => instantQuery(source, "sum_over_time(m[5m])", 100_000, { maxSamples: 50 }),
    new EvaluationError("query processing would load too many samples into memory in query execution"),
  );
});

test("a query is given up when the checkpoint says so", () => {
  const source = sourceOf({ m: [[0, 1]] });
  const checkpoint = () => {
    throw new EvaluationError("query timed out in expression evaluation", "timeout");
  };
  assert.throws(() => instantQuery(source, "m + m", 0, { checkpoint }), { kind: "timeout" });
});

test("instant results come in the order that topk promises, matrices sorted by labels", () => {
  const source = new MemorySource();
  for (const [pod, value] of [
    ["b", 3],
    ["a", 1],
    ["c", 2],
  ] as const) {
    source.add(Labels.from({ __name__: "m", pod }), new Float64Array([0]), new Float64Array([value]));
  }
  const top = instantQuery(source, "topk(3, m)", 0).value;
  assert.deepEqual(top.type === "vector" && top.samples.map(({ labels }) => labels.get("pod")), [
    "b",
    "c",
    "a",
  ]);
  const matrix = rangeQuery(source, "m", { start: 0, end: 0, stepMs: 1000 }).value;
  assert.deepEqual(matrix.type === "matrix" && matrix.series.map(({ labels }) => labels.get("pod")), [
    "a",
    "b",
    "c",
  ]);
});
