import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { builtInType } from "./built-in-types.ts";
import { decodeTyped } from "./typed-object.ts";

/**
 * An object as another version of its kind: the two groups of Events, and the two versions of HorizontalPodAutoscaler. Every
 * other built-in kind has one version here, and an object of it is only named anew.
 */
export function convertBuiltIn(object: JsonObject, apiVersion: string): JsonObject {
  const from = object["apiVersion"];
  if (from === apiVersion) return object;
  if (object["kind"] === "Event") return typed(convertEvent(object, apiVersion));
  if (object["kind"] === "HorizontalPodAutoscaler") {
    return typed(apiVersion === "autoscaling/v1" ? autoscalerToV1(object) : autoscalerToV2(object));
  }
  return { ...object, apiVersion };
}

/** In the form of the version: what one always writes, the other may leave out when it is zero. */
function typed(object: JsonObject): JsonObject {
  const type = builtInType(stringAt(object, "apiVersion"), stringAt(object, "kind"));
  return type === undefined ? object : decodeTyped(type, object).object;
}

/** core/v1 name → events.k8s.io/v1 name. */
const EVENT_FIELDS: Readonly<Record<string, string>> = {
  involvedObject: "regarding",
  message: "note",
  source: "deprecatedSource",
  firstTimestamp: "deprecatedFirstTimestamp",
  lastTimestamp: "deprecatedLastTimestamp",
  count: "deprecatedCount",
  reportingComponent: "reportingController",
};

function convertEvent(event: JsonObject, apiVersion: string): JsonObject {
  const pairs = Object.entries(EVENT_FIELDS).map(([core, grouped]) =>
    apiVersion === "v1" ? [grouped, core] : [core, grouped],
  );
  const names = new Map(pairs.map(([from = "", to = ""]) => [from, to]));
  const renamed = Object.entries(event).map(([name, value]) => [names.get(name) ?? name, value]);
  return { ...Object.fromEntries(renamed), apiVersion };
}

/** Version 1 knows one metric, the use of cpu. Others are not shown in it. */
function autoscalerToV1(autoscaler: JsonObject): JsonObject {
  const { metrics: _, behavior: __, ...spec } = objectAt(autoscaler, "spec") ?? {};
  const { currentMetrics: ___, conditions: ____, ...status } = objectAt(autoscaler, "status") ?? {};
  const target = cpuOf(listAt(autoscaler["spec"], "metrics"), "target");
  const current = cpuOf(listAt(autoscaler["status"], "currentMetrics"), "current");
  return {
    ...autoscaler,
    apiVersion: "autoscaling/v1",
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      ...status,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  };
}

function autoscalerToV2(autoscaler: JsonObject): JsonObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = objectAt(autoscaler, "spec") ?? {};
  const { currentCPUUtilizationPercentage: current, ...status } = objectAt(autoscaler, "status") ?? {};
  const cpu = (rest: JsonObject) => [{ type: "Resource", resource: { name: "cpu", ...rest } }];
  return {
    ...autoscaler,
    apiVersion: "autoscaling/v2",
    spec: {
      ...spec,
      ...(target === undefined
        ? {}
        : { metrics: cpu({ target: { type: "Utilization", averageUtilization: target } }) }),
    },
    status: {
      ...status,
      ...(current === undefined ? {} : { currentMetrics: cpu({ current: { averageUtilization: current } }) }),
    },
  };
}

function cpuOf(metrics: readonly unknown[], member: "target" | "current"): unknown {
  const cpu = metrics.find((metric) => objectAt(metric, "resource")?.["name"] === "cpu");
  const values = objectAt(objectAt(cpu, "resource"), member);
  return isObject(values) ? values["averageUtilization"] : undefined;
}
