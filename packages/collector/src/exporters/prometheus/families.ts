import type { Attributes, Exemplar } from "@tracegate/otlp";
import { valueText } from "@tracegate/otlp";
import type { Accumulated } from "./accumulator.ts";
import { numberOf } from "./accumulator.ts";
import type { MetricKind } from "./names.ts";
import { labelName, metricName } from "./names.ts";

export interface PrometheusNaming {
  readonly namespace: string;
  readonly suffixes: boolean;
  readonly constLabels: Readonly<Record<string, string>>;
  readonly resourceLabels: boolean;
  readonly scopeLabels: boolean;
  readonly timestamps: boolean;
}

/** Labels sorted by name. */
export type Labels = readonly (readonly [name: string, value: string])[];

export interface Sample {
  readonly labels: Labels;
  readonly timestampMs: number | undefined;
  readonly value: SampleValue;
}

export type SampleValue =
  | { readonly kind: "number"; readonly value: number; readonly exemplar: Exemplar | undefined }
  | {
      readonly kind: "histogram";
      /** Cumulative; the last bound is +Inf. */
      readonly buckets: readonly {
        readonly le: number;
        readonly count: number;
        readonly exemplar: Exemplar | undefined;
      }[];
      readonly sum: number;
      readonly count: number;
    }
  | {
      readonly kind: "summary";
      readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
      readonly sum: number;
      readonly count: number;
    };

export interface Family {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly samples: Sample[];
}

/** Everything accumulated as families sorted by name, their samples sorted, and what had to be left out. */
export function families(
  series: readonly Accumulated[],
  naming: PrometheusNaming,
): { readonly families: readonly Family[]; readonly problems: readonly string[] } {
  const byName = new Map<string, Family>();
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const one of series) {
    const name = metricName(one.name, one.unit, one.kind, naming);
    const known = byName.get(name);
    if (known !== undefined && known.kind !== one.kind) {
      problems.push(
        `failed to convert metric ${one.name}: instrument type conflict, using existing type definition. ` +
          `instrument: ${one.name}, existing: ${known.kind.toUpperCase()}, dropped: ${one.kind.toUpperCase()}`,
      );
      continue;
    }
    const labels = labelsOf(one, naming);
    if ("problem" in labels) {
      problems.push(`failed to convert metric ${one.name}: ${labels.problem}`);
      continue;
    }
    const identity = JSON.stringify([name, labels.labels]);
    if (seen.has(identity)) {
      problems.push(
        `collected metric "${name}" ${JSON.stringify(Object.fromEntries(labels.labels))} was collected before with the same name and label values`,
      );
      continue;
    }
    seen.add(identity);
    const family = known ?? { name, kind: one.kind, help: one.description, samples: [] };
    byName.set(name, family);
    family.samples.push({
      labels: labels.labels,
      timestampMs: naming.timestamps ? Number(one.point.timeUnixNano / 1_000_000n) : undefined,
      value: sampleValue(one),
    });
  }
  const info = targetInfo(series, naming);
  if (info !== undefined) byName.set(info.name, info);
  const sorted = [...byName.values()].sort((a, b) => compare(a.name, b.name));
  for (const family of sorted) family.samples.sort((a, b) => compareLabels(a.labels, b.labels));
  return { families: sorted, problems };
}

/** One per job and instance, where both are known; its labels are the rest of the resource. */
function targetInfo(series: readonly Accumulated[], naming: PrometheusNaming): Family | undefined {
  const byTarget = new Map<string, Sample>();
  for (const { job, instance, resource } of series) {
    const key = JSON.stringify([job, instance]);
    if (job === "" || instance === "" || byTarget.has(key)) continue;
    const labels = new Map<string, string>();
    const rest = resource.attributes.filter((a) => !IDENTIFYING.has(a.key));
    for (const { key, value } of rest.toSorted((a, b) => compare(a.key, b.key))) {
      const name = labelName(key);
      const text = valueText(value);
      const before = labels.get(name);
      labels.set(name, before === undefined ? text : `${before};${text}`);
    }
    labels.set("job", job);
    labels.set("instance", instance);
    byTarget.set(key, {
      labels: sortLabels(labels),
      timestampMs: undefined,
      value: { kind: "number", value: 1, exemplar: undefined },
    });
  }
  if (byTarget.size === 0) return undefined;
  const name = naming.namespace === "" ? "target_info" : `${labelName(naming.namespace)}_target_info`;
  return { name, kind: "gauge", help: "Target metadata", samples: [...byTarget.values()] };
}

const IDENTIFYING = new Set(["service.name", "service.namespace", "service.instance.id"]);

function labelsOf(
  one: Accumulated,
  naming: PrometheusNaming,
): { readonly labels: Labels } | { readonly problem: string } {
  const labels = new Map<string, string>();
  const sources = new Map<string, string>();
  const clash = addAttributes(labels, sources, one.point.attributes);
  if (clash !== undefined)
    return { problem: `duplicate label names in constant and variable labels for metric: ${clash}` };
  if (naming.resourceLabels) {
    for (const { key, value } of one.resource.attributes) labels.set(labelName(key), valueText(value));
  }
  if (naming.scopeLabels) {
    for (const { key, value } of one.scope.attributes)
      labels.set(`otel_scope_${labelName(key)}`, valueText(value));
    labels.set("otel_scope_name", one.scope.name);
    labels.set("otel_scope_version", one.scope.version);
    labels.set("otel_scope_schema_url", one.scopeSchemaUrl);
  }
  if (one.job !== "") labels.set("job", one.job);
  if (one.instance !== "") labels.set("instance", one.instance);
  for (const [name, value] of Object.entries(naming.constLabels)) labels.set(name, value);
  return { labels: sortLabels(labels) };
}

/** Two attributes that become one label make the series invalid; answers that label. */
function addAttributes(
  labels: Map<string, string>,
  sources: Map<string, string>,
  attributes: Attributes,
): string | undefined {
  for (const { key, value } of attributes) {
    const name = labelName(key);
    const source = sources.get(name);
    if (source !== undefined && source !== key) return name;
    sources.set(name, key);
    labels.set(name, valueText(value));
  }
  return undefined;
}

function sortLabels(labels: ReadonlyMap<string, string>): Labels {
  return [...labels].sort(([a], [b]) => compare(a, b));
}

function sampleValue(one: Accumulated): SampleValue {
  if (one.kind === "summary") {
    const { quantileValues, sum, count } = one.point;
    return { kind: "summary", quantiles: quantileValues, sum, count };
  }
  if (one.kind !== "histogram") {
    return { kind: "number", value: numberOf(one.point), exemplar: one.point.exemplars.at(-1) };
  }
  const { bucketCounts, explicitBounds, exemplars, count } = one.point;
  let total = 0;
  let lower = Number.NEGATIVE_INFINITY;
  const buckets = explicitBounds.map((le, i) => {
    total += bucketCounts[i] ?? 0;
    const exemplar = exemplarWithin(exemplars, lower, le);
    lower = le;
    return { le, count: total, exemplar };
  });
  const last = {
    le: Number.POSITIVE_INFINITY,
    count,
    exemplar: exemplarWithin(exemplars, lower, Number.POSITIVE_INFINITY),
  };
  return { kind: "histogram", buckets: [...buckets, last], sum: one.point.sum ?? 0, count };
}

function exemplarWithin(exemplars: readonly Exemplar[], above: number, upTo: number): Exemplar | undefined {
  return exemplars.findLast((e) => numberOf(e) > above && numberOf(e) <= upTo);
}

function compareLabels(a: Labels, b: Labels): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) {
    const order = compare(a[i]?.[1] ?? "", b[i]?.[1] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
