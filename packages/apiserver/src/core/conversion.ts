import type { JsonObject, KubeObject } from "@tracegate/kube";

/**
 * The object as another version of its kind. Objects that are of it already are handed through. Custom resources differ
 * by the version's name alone (`conversion: None`); of the built-in kinds two have versions of different form.
 */
export function asVersion(object: KubeObject, apiVersion: string): KubeObject {
  if (object.apiVersion === apiVersion) return object;
  const convert = CONVERSIONS[`${object.kind} ${object.apiVersion} ${apiVersion}`];
  return { ...(convert === undefined ? object : convert(object)), apiVersion };
}

type Conversion = (object: KubeObject) => KubeObject;

/** Names of the same fields in core/v1 and events.k8s.io/v1. */
const EVENT_FIELDS: readonly (readonly [core: string, events: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];

const renamed = renaming(new Map(EVENT_FIELDS));

/** The newer form leaves out who reported where nobody did. */
function toEvents(object: KubeObject): KubeObject {
  const event: Record<string, unknown> = { ...renamed(object) };
  for (const field of ["reportingController", "reportingInstance"])
    if (event[field] === "") delete event[field];
  // The same members, but for those.
  return event as unknown as KubeObject;
}
const toCore = renaming(new Map(EVENT_FIELDS.map(([core, events]) => [events, core])));

function renaming(names: ReadonlyMap<string, string>): Conversion {
  return (object) => {
    const entries = Object.entries(object).map(([field, value]) => [names.get(field) ?? field, value]);
    // The same members under the names of the other version.
    return Object.fromEntries(entries) as KubeObject;
  };
}

interface Autoscaler extends KubeObject {
  spec?: JsonObject & { metrics?: Metric[]; targetCPUUtilizationPercentage?: number };
  status?: JsonObject & { currentMetrics?: unknown; currentCPUUtilizationPercentage?: number };
}

interface Metric {
  type: string;
  resource?: { name: string; target: { type: string; averageUtilization?: number } };
}

/** Where autoscaling/v1 keeps the metrics that it has no field for. */
const METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR_ANNOTATION = "autoscaling.alpha.kubernetes.io/behavior";

const isCpuUtilization = ({ resource }: Metric): boolean =>
  resource?.name === "cpu" && resource.target.averageUtilization !== undefined;

function autoscalerToV1(object: KubeObject): KubeObject {
  const { metadata, spec = {}, status = {}, ...rest } = object as Autoscaler;
  const { metrics = [], behavior, ...kept } = spec;
  const cpu = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const annotations = {
    ...metadata.annotations,
    ...(others.length === 0 ? {} : { [METRICS_ANNOTATION]: JSON.stringify(others) }),
    ...(behavior === undefined ? {} : { [BEHAVIOR_ANNOTATION]: JSON.stringify(behavior) }),
  };
  const { currentMetrics: _, conditions: __, ...counts } = status;
  return {
    ...rest,
    metadata: { ...metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { ...kept, ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu }) },
    status: { currentReplicas: 0, ...counts },
  } as KubeObject;
}

function autoscalerToV2(object: KubeObject): KubeObject {
  const { metadata, spec = {}, status = {}, ...rest } = object as Autoscaler;
  const { targetCPUUtilizationPercentage: cpu, ...kept } = spec;
  const {
    [METRICS_ANNOTATION]: others,
    [BEHAVIOR_ANNOTATION]: behavior,
    ...annotations
  } = metadata.annotations ?? {};
  const { annotations: _, ...bare } = metadata;
  const target = { type: "Utilization", averageUtilization: cpu };
  const metrics = [
    ...parsed<Metric[]>(others, []),
    ...(cpu === undefined ? [] : [{ type: "Resource", resource: { name: "cpu", target } }]),
  ];
  const { currentCPUUtilizationPercentage: __, ...counts } = status;
  return {
    ...rest,
    metadata: { ...bare, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: {
      ...kept,
      ...(metrics.length === 0 ? {} : { metrics }),
      ...(behavior === undefined ? {} : { behavior: parsed<JsonObject>(behavior, {}) }),
    },
    status: { desiredReplicas: 0, currentMetrics: null, ...counts },
  } as KubeObject;
}

/** An annotation's JSON; what a user broke counts as not there. */
function parsed<T>(text: string | undefined, otherwise: T): T {
  if (text === undefined) return otherwise;
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  "Event v1 events.k8s.io/v1": toEvents,
  "Event events.k8s.io/v1 v1": toCore,
  "HorizontalPodAutoscaler autoscaling/v2 autoscaling/v1": autoscalerToV1,
  "HorizontalPodAutoscaler autoscaling/v1 autoscaling/v2": autoscalerToV2,
};
