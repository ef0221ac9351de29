import { Labels } from "@tracegate/contracts";
import type { Aggregation } from "./ast.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { maxOf, meanOf, minOf, quantileOf, sumOf } from "./float-math.ts";
import { formatFloat } from "./format-float.ts";
import { emptySeries, type GridSeries, isPresentAnywhere } from "./grid.ts";

type Fold = (values: Float64Array, from: number, to: number) => number;

/** Aggregations that turn the values of a group into one, regardless of a parameter. */
const FOLDS: Readonly<Record<string, Fold>> = {
  sum: sumOf,
  avg: meanOf,
  min: minOf,
  max: maxOf,
  count: (_, from, to) => to - from,
  group: () => 1,
  stdvar: welford,
  stddev: (values, from, to) => Math.sqrt(welford(values, from, to)),
};

/** Population variance, updated value by value. */
function welford(values: Float64Array, from: number, to: number): number {
  let mean = 0;
  let squares = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] ?? 0;
    const delta = value - mean;
    mean += delta / (i - from + 1);
    squares += delta * (value - mean);
  }
  return squares / (to - from);
}

/** Which labels of its input a group is made of. */
export function groupLabels({ grouping, without }: Aggregation): (labels: Labels) => Labels {
  if (grouping.length === 0) return without ? (labels) => labels.nameless : () => Labels.empty;
  const names = new Set(grouping);
  return without
    ? (labels) => labels.nameless.filter((name) => !names.has(name))
    : (labels) => labels.filter((name) => names.has(name));
}

interface Group {
  readonly labels: Labels;
  readonly members: GridSeries[];
}

function groupsOf(node: Aggregation, input: readonly GridSeries[]): Group[] {
  const labelsOf = groupLabels(node);
  const groups = new Map<string, Group>();
  for (const series of input) {
    const labels = labelsOf(series.labels);
    const group = groups.get(labels.key);
    if (group === undefined) groups.set(labels.key, { labels, members: [series] });
    else group.members.push(series);
  }
  return [...groups.values()];
}

/** `parameter` holds the scalar parameter for each step. */
export function aggregate(
  node: Aggregation,
  input: readonly GridSeries[],
  parameter: Float64Array | undefined,
  count: number,
): readonly GridSeries[] {
  if (input.length === 0) return [];
  const groups = groupsOf(node, input);
  const fold = FOLDS[node.op];
  if (fold !== undefined) return groups.map((group) => folded(group, () => fold, count));
  const params = parameter ?? new Float64Array(count);
  switch (node.op) {
    case "quantile":
      return groups.map((group) =>
        folded(group, (step) => (values, from, to) => quantileOf(params[step] ?? 0, values, from, to), count),
      );
    case "topk":
    case "bottomk":
      return groups.flatMap((group) => ranked(group, params, node.op === "topk", count));
    case "limitk":
      return groups.flatMap((group) => limited(group, params, count));
    default:
      throw new EvaluationError(`aggregation ${node.op} is not implemented`);
  }
}

/** Folds the values of a group step by step. */
function folded({ labels, members }: Group, foldAt: (step: number) => Fold, count: number): GridSeries {
  const out = emptySeries(labels, count);
  const gathered = new Float64Array(members.length);
  for (let step = 0; step < count; step++) {
    let n = 0;
    for (const { values, present } of members) {
      if (present[step] === 1) gathered[n++] = values[step] ?? 0;
    }
    if (n === 0) continue;
    out.values[step] = foldAt(step)(gathered, 0, n);
    out.present[step] = 1;
  }
  return out;
}

/** The k largest (or smallest) at each step, whole label sets. In an instant query they come out in that order. */
function ranked({ members }: Group, params: Float64Array, largest: boolean, count: number): GridSeries[] {
  const kept = members.map(({ labels, values }) => ({ labels, values, present: new Uint8Array(count) }));
  let order = kept;
  for (let step = 0; step < count; step++) {
    const k = wholeNumber(params[step] ?? 0);
    if (k < 1) continue;
    const rankedNow = kept.filter((_, i) => members[i]?.present[step] === 1);
    rankedNow.sort((a, b) => byValue(a.values[step] ?? 0, b.values[step] ?? 0, largest));
    for (const series of rankedNow.slice(0, k)) series.present[step] = 1;
    if (count === 1) order = rankedNow;
  }
  return order.filter(isPresentAnywhere);
}

function limited({ members }: Group, params: Float64Array, count: number): GridSeries[] {
  const kept = members.map(({ labels, values }) => ({ labels, values, present: new Uint8Array(count) }));
  for (let step = 0; step < count; step++) {
    let left = wholeNumber(params[step] ?? 0);
    kept.forEach((series, i) => {
      if (left < 1 || members[i]?.present[step] !== 1) return;
      series.present[step] = 1;
      left--;
    });
  }
  return kept.filter(isPresentAnywhere);
}

function wholeNumber(value: number): number {
  if (Number.isNaN(value)) throw new EvaluationError("Parameter value is NaN");
  if (value >= 2 ** 63) throw new EvaluationError(`Scalar value ${formatFloat(value)} overflows int64`);
  if (value <= -(2 ** 63)) throw new EvaluationError(`Scalar value ${formatFloat(value)} underflows int64`);
  return Math.trunc(value);
}

/** Descending or ascending, NaN last either way. */
export function byValue(a: number, b: number, descending: boolean): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b)) return -1;
  if (a === b) return 0;
  return a < b === descending ? 1 : -1;
}

/** count_values("label", v): one element per distinct value of a group. */
export function countValues(
  node: Aggregation,
  input: readonly GridSeries[],
  label: string,
  count: number,
): readonly GridSeries[] {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label))
    throw new EvaluationError(`invalid label name ${JSON.stringify(label)}`);
  const result = new Map<string, GridSeries>();
  for (const { labels, members } of groupsOf(node, input)) {
    for (const { values, present } of members) {
      for (let step = 0; step < count; step++) {
        if (present[step] === 0) continue;
        const counted = labels.with({ [label]: formatFloat(values[step] ?? 0) });
        let out = result.get(counted.key);
        if (out === undefined) {
          out = emptySeries(counted, count);
          result.set(counted.key, out);
        }
        out.values[step] = (out.values[step] ?? 0) + 1;
        out.present[step] = 1;
      }
    }
  }
  return [...result.values()];
}
