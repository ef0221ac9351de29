import { type Labels, METRIC_NAME } from "@tracegate/contracts";
import { type BinaryOp, isComparison, type Matching, type SetOp } from "./ast.ts";
import { EvaluationError } from "./evaluation-error.ts";
import { emptySeries, type GridSeries, isPresentAnywhere, joinSameLabels, withoutName } from "./grid.ts";

type Arithmetic = (a: number, b: number) => number;
type Compare = (a: number, b: number) => boolean;

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "^": power,
  atan2: Math.atan2,
};

const COMPARE: Readonly<Record<string, Compare>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/** IEEE pow: 1 to any power is 1, and −1 to an infinite one; JavaScript says NaN. */
function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

/** An operator as arithmetic (comparisons become 0 or 1), and whether it filters instead. */
function operation(op: BinaryOp, bool: boolean): { compute: Arithmetic; keep: Compare | undefined } {
  const compare = COMPARE[op];
  if (compare !== undefined) {
    return bool
      ? { compute: (a, b) => (compare(a, b) ? 1 : 0), keep: undefined }
      : { compute: (a) => a, keep: compare };
  }
  const compute = ARITHMETIC[op];
  if (compute === undefined) throw new EvaluationError(`operator ${op} is not arithmetic`);
  return { compute, keep: undefined };
}

const dropsName = (op: BinaryOp, bool: boolean) => !isComparison(op) || bool;

export function scalarScalar(op: BinaryOp, a: Float64Array, b: Float64Array): Float64Array {
  const { compute } = operation(op, true);
  return a.map((value, i) => compute(value, b[i] ?? 0));
}

/** Vector and scalar, whichever side the scalar is on. A filter keeps the vector's value. */
export function vectorScalar(
  op: BinaryOp,
  bool: boolean,
  vector: readonly GridSeries[],
  scalar: Float64Array,
  scalarOnLeft: boolean,
): readonly GridSeries[] {
  const { compute, keep } = operation(op, bool);
  const drop = dropsName(op, bool);
  const result: GridSeries[] = [];
  for (const { labels, values, present } of vector) {
    const out = emptySeries(drop ? withoutName(labels) : labels, values.length);
    let any = false;
    for (let i = 0; i < values.length; i++) {
      if (present[i] === 0) continue;
      const value = values[i] ?? 0;
      const a = scalarOnLeft ? (scalar[i] ?? 0) : value;
      const b = scalarOnLeft ? value : (scalar[i] ?? 0);
      if (keep !== undefined && !keep(a, b)) continue;
      out.values[i] = keep === undefined ? compute(a, b) : value;
      out.present[i] = 1;
      any = true;
    }
    if (any) result.push(out);
  }
  return drop ? joinSameLabels(result) : result;
}

/** The part of a label set that decides what it is matched with. */
export function signatureOf({ on, labels: names }: Matching): (labels: Labels) => string {
  if (on) {
    const sorted = [...names].sort();
    return (labels) => sorted.map((name) => labels.get(name)).join("\uffff");
  }
  if (names.length === 0) return (labels) => labels.nameless.key;
  const ignored = new Set(names);
  return (labels) => labels.nameless.filter((name) => !ignored.has(name)).key;
}

/** Arithmetic or comparison of two vectors, one to one or many to one. */
export function vectorVector(
  op: BinaryOp,
  bool: boolean,
  matching: Matching,
  lhs: readonly GridSeries[],
  rhs: readonly GridSeries[],
): readonly GridSeries[] {
  if (lhs.length === 0 || rhs.length === 0) return [];
  const swapped = matching.group === "right";
  const many = swapped ? rhs : lhs;
  const one = swapped ? lhs : rhs;
  const signature = signatureOf(matching);
  const oneBySignature = groupBySignature(one, signature);
  refuseDuplicates(oneBySignature, many, matching, swapped ? "left" : "right");

  const { compute, keep } = operation(op, bool);
  const resultLabels = labelsOfPair(op, bool, matching);
  const result: GridSeries[] = [];
  const taken = new Map<string, Uint8Array>();
  for (const manySeries of many) {
    const key = signature(manySeries.labels);
    const partners = oneBySignature.get(key);
    if (partners === undefined) continue;
    for (const partner of partners) {
      const count = manySeries.values.length;
      const out = emptySeries(resultLabels(manySeries.labels, partner.labels), count);
      let occupied = taken.get(key);
      let any = false;
      for (let i = 0; i < count; i++) {
        if (manySeries.present[i] === 0 || partner.present[i] === 0) continue;
        if (matching.group === undefined) {
          if (occupied === undefined) {
            occupied = new Uint8Array(count);
            taken.set(key, occupied);
          }
          if (occupied[i] === 1) {
            throw new EvaluationError(
              "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            );
          }
          occupied[i] = 1;
        }
        const manyValue = manySeries.values[i] ?? 0;
        const oneValue = partner.values[i] ?? 0;
        const a = swapped ? oneValue : manyValue;
        const b = swapped ? manyValue : oneValue;
        if (keep !== undefined && !keep(a, b)) continue;
        out.values[i] = compute(a, b);
        out.present[i] = 1;
        any = true;
      }
      if (any) result.push(out);
    }
  }
  if (matching.group === undefined) return joinSameLabels(result);
  try {
    return joinSameLabels(result);
  } catch {
    throw new EvaluationError("multiple matches for labels: grouping labels must ensure unique matches");
  }
}

function groupBySignature(
  series: readonly GridSeries[],
  signature: (labels: Labels) => string,
): Map<string, GridSeries[]> {
  const groups = new Map<string, GridSeries[]>();
  for (const one of series) {
    const key = signature(one.labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}

/** Two series on the "one" side must not share a signature at a step at which the other side has anything. */
function refuseDuplicates(
  groups: Map<string, GridSeries[]>,
  many: readonly GridSeries[],
  matching: Matching,
  side: "left" | "right",
): void {
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const count = group[0]?.values.length ?? 0;
    for (let i = 0; i < count; i++) {
      const [first, second] = group.filter((series) => series.present[i] === 1);
      if (first === undefined || second === undefined || !many.some((series) => series.present[i] === 1))
        continue;
      const { on, labels } = matching;
      const shown = first.labels.filter((name) =>
        on ? labels.includes(name) : name !== METRIC_NAME && !labels.includes(name),
      );
      const [a, b] = [first.labels.toString(), second.labels.toString()].sort();
      throw new EvaluationError(
        `found duplicate series for the match group ${shown.toString()} on the ${side} hand-side of the operation: ` +
          `[${a}, ${b}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
  }
}

function labelsOfPair(
  op: BinaryOp,
  bool: boolean,
  matching: Matching,
): (many: Labels, one: Labels) => Labels {
  const drop = dropsName(op, bool);
  const { on, labels, group, include } = matching;
  return (many, one) => {
    let result = drop ? withoutName(many) : many;
    if (group === undefined) {
      result = on
        ? result.filter((name) => labels.includes(name))
        : result.filter((name) => !labels.includes(name));
    }
    if (include.length === 0) return result;
    return result.with(Object.fromEntries(include.map((name) => [name, one.get(name)])));
  };
}

/** and, or, unless: many to many on signatures; labels and values stay as they are. */
export function setOperation(
  op: SetOp,
  matching: Matching,
  lhs: readonly GridSeries[],
  rhs: readonly GridSeries[],
  count: number,
): readonly GridSeries[] {
  const signature = signatureOf(matching);
  if (op === "or") {
    const taken = presenceBySignature(lhs, signature, count);
    const added = rhs.map((series) => masked(series, taken.get(signature(series.labels)), false));
    return joinSameLabels([...lhs, ...added.filter(isPresentAnywhere)]);
  }
  const other = presenceBySignature(rhs, signature, count);
  const nowhere = new Uint8Array(count);
  return lhs
    .map((series) => masked(series, other.get(signature(series.labels)) ?? nowhere, op === "and"))
    .filter(isPresentAnywhere);
}

function presenceBySignature(
  series: readonly GridSeries[],
  signature: (labels: Labels) => string,
  count: number,
): Map<string, Uint8Array> {
  const presence = new Map<string, Uint8Array>();
  for (const { labels, present } of series) {
    const key = signature(labels);
    let mask = presence.get(key);
    if (mask === undefined) {
      mask = new Uint8Array(count);
      presence.set(key, mask);
    }
    for (let i = 0; i < count; i++) mask[i] = (mask[i] ?? 0) | (present[i] ?? 0);
  }
  return presence;
}

/** The series where the mask is set (or, for `wanted` false, where it is not). */
function masked(series: GridSeries, mask: Uint8Array | undefined, wanted: boolean): GridSeries {
  if (mask === undefined) return series;
  const keep = wanted ? 1 : 0;
  return {
    ...series,
    present: series.present.map((present, i) => (present === 1 && mask[i] === keep ? 1 : 0)),
  };
}
