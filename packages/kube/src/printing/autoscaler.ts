import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { AGE, ageOf, column, NAME, nameOf, type TablePrinter, textOr } from "./table.ts";

export const autoscalerPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Reference"),
    column("Targets"),
    column("MinPods"),
    column("MaxPods"),
    column("Replicas"),
    AGE,
  ],
  cells(object, now) {
    const [spec, status] = [objectAt(object, "spec"), objectAt(object, "status")];
    const target = objectAt(spec, "scaleTargetRef");
    return [
      nameOf(object),
      `${stringAt(target, "kind")}/${stringAt(target, "name")}`,
      metricsText(object),
      textOr(spec?.["minReplicas"], "<unset>"),
      numberAt(spec, "maxReplicas") ?? 0,
      numberAt(status, "currentReplicas") ?? 0,
      ageOf(object, now),
    ];
  },
};

/** `cpu: 12%/80%`; of several metrics the first two. */
function metricsText(autoscaler: JsonObject): string {
  const { specs, statuses } = metricsOf(autoscaler);
  if (specs.length === 0) return "<none>";
  const texts = specs.map((spec, i) => metricText(spec, statuses[i]));
  return texts.length > 2
    ? `${texts.slice(0, 2).join(", ")} + ${texts.length - 2} more...`
    : texts.join(", ");
}

/** In autoscaling/v1 the only metric is the processors', in fields of its own; rows are the same for both versions. */
function metricsOf(autoscaler: JsonObject): { specs: JsonObject[]; statuses: unknown[] } {
  const [spec, status] = [objectAt(autoscaler, "spec"), objectAt(autoscaler, "status")];
  const wanted = numberAt(spec, "targetCPUUtilizationPercentage");
  if (wanted === undefined) {
    return { specs: listAt(spec, "metrics").filter(isObject), statuses: listAt(status, "currentMetrics") };
  }
  const cpu = { name: "cpu", target: { averageUtilization: wanted } };
  const current = { averageUtilization: numberAt(status, "currentCPUUtilizationPercentage") };
  return { specs: [{ type: "Resource", resource: cpu }], statuses: [{ resource: { current } }] };
}

function metricText(spec: JsonObject, status: unknown): string {
  const type = stringAt(spec, "type");
  const member = type.charAt(0).toLowerCase() + type.slice(1);
  const source = objectAt(spec, member);
  if (source === undefined) return "<unknown type>";
  const [target, current] = [objectAt(source, "target"), objectAt(objectAt(status, member), "current")];
  const average = target?.["averageValue"] !== undefined;
  if (type === "Resource" || type === "ContainerResource") {
    const name = stringAt(source, "name");
    if (average)
      return `${name}: ${textOr(current?.["averageValue"], "<unknown>")}/${textOr(target?.["averageValue"], "")}`;
    const percent = (value: unknown, none: string) => (typeof value === "number" ? `${value}%` : none);
    const wanted = percent(target?.["averageUtilization"], "<auto>");
    return `${name}: ${percent(current?.["averageUtilization"], "<unknown>")}/${wanted}`;
  }
  const value = average ? "averageValue" : "value";
  const suffix = average && type !== "Pods" ? " (avg)" : "";
  return `${textOr(current?.[value], "<unknown>")}/${textOr(target?.[value], "")}${suffix}`;
}
