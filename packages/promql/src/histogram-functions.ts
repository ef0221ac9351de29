import { METRIC_NAME } from "@tracegate/contracts";
import type { Annotations } from "./annotations.ts";
import type { Call } from "./ast.ts";
import { emptySeries, type GridSeries, joinSameLabels } from "./grid.ts";
import { bucketFraction, bucketQuantile } from "./histogram.ts";
import { goQuote } from "./lexer.ts";
import { parseNumber } from "./literals.ts";

const BUCKET_LABEL = "le";

interface Bucket {
  readonly bound: number;
  readonly series: GridSeries;
}

/** histogram_quantile(φ, v) and histogram_fraction(lower, upper, v) over classic buckets. */
export function histogramFunction(
  call: Call,
  scalars: readonly Float64Array[],
  input: readonly GridSeries[],
  count: number,
  annotations: Annotations,
): readonly GridSeries[] {
  const isQuantile = call.func.name === "histogram_quantile";
  const at = call.args.at(-1)?.span ?? call.span;
  const result: GridSeries[] = [];
  for (const buckets of bucketGroups(input, (le) =>
    annotations.warn(`bucket label "le" is missing or has a malformed value of ${goQuote(le)}`, at),
  )) {
    const [first] = buckets;
    if (first === undefined) continue;
    const { labels } = first.series;
    const out = emptySeries(
      labels.filter((name) => name !== METRIC_NAME && name !== BUCKET_LABEL),
      count,
    );
    const bounds = new Float64Array(buckets.length);
    const counts = new Float64Array(buckets.length);
    for (let step = 0; step < count; step++) {
      let size = 0;
      for (const { bound, series } of buckets) {
        if (series.present[step] === 0) continue;
        bounds[size] = bound;
        counts[size++] = series.values[step] ?? 0;
      }
      if (size === 0) continue;
      out.present[step] = 1;
      if (isQuantile) {
        const { value, forced } = bucketQuantile(scalars[0]?.[step] ?? 0, { bounds, counts, size });
        out.values[step] = value;
        if (forced) adviseOfForcedCounts(labels.name, annotations, call);
      } else {
        out.values[step] = bucketFraction(scalars[0]?.[step] ?? 0, scalars[1]?.[step] ?? 0, {
          bounds,
          counts,
          size,
        });
      }
    }
    if (out.present.indexOf(1) >= 0) result.push(out);
  }
  return joinSameLabels(result);
}

/** The buckets of each histogram, by ascending bound. The metric name tells histograms apart, though it is dropped. */
function bucketGroups(input: readonly GridSeries[], malformed: (le: string) => void): Bucket[][] {
  const groups = new Map<string, Bucket[]>();
  for (const series of input) {
    const le = series.labels.get(BUCKET_LABEL);
    const bound = parseNumber(le.replace(/^\+/, "")) ?? (le.startsWith("-") ? negative(le) : undefined);
    if (bound === undefined) {
      malformed(le);
      continue;
    }
    const key = series.labels.without(BUCKET_LABEL).key;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [{ bound, series }]);
    else group.push({ bound, series });
  }
  return [...groups.values()].map((group) => group.sort((a, b) => a.bound - b.bound || 0));
}

function negative(text: string): number | undefined {
  const value = parseNumber(text.slice(1));
  return value === undefined ? undefined : -value;
}

function adviseOfForcedCounts(name: string, annotations: Annotations, call: Call): void {
  const metric = name === "" ? "" : ` for metric name ${goQuote(name)}`;
  annotations.info(
    "input to histogram_quantile needed to be fixed for monotonicity (see " +
      `https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${metric}`,
    (call.args[1] ?? call).span,
  );
}
