import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import {
  AGE,
  ageOf,
  type Cell,
  column,
  NAME,
  nameOf,
  orNone,
  since,
  type TablePrinter,
  wide,
} from "./table.ts";

/** NAME, one or more cells by a function, AGE. */
function simple(columns: TablePrinter["columns"], middle: (object: JsonObject) => Cell[]): TablePrinter {
  return {
    columns: [NAME, ...columns, AGE],
    cells: (object, now) => [nameOf(object), ...middle(object), ageOf(object, now)],
  };
}

const size = (value: unknown): number =>
  Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
const text = (value: unknown, none: string): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : none;

export const namespacePrinter = simple([column("Status")], (o) => [stringAt(o["status"], "phase")]);
export const configMapPrinter = simple([column("Data")], (o) => [size(o["data"]) + size(o["binaryData"])]);
export const secretPrinter = simple([column("Type"), column("Data")], (o) => [
  stringAt(o, "type"),
  size(o["data"]),
]);
export const serviceAccountPrinter = simple([column("Secrets")], (o) => [size(o["secrets"])]);
export const leasePrinter = simple([column("Holder")], (o) => [stringAt(o["spec"], "holderIdentity")]);
export const disruptionBudgetPrinter = simple(
  [column("Min Available"), column("Max Unavailable"), column("Allowed Disruptions", "integer")],
  (o) => [
    text(objectAt(o, "spec")?.["minAvailable"], "N/A"),
    text(objectAt(o, "spec")?.["maxUnavailable"], "N/A"),
    numberAt(o["status"], "disruptionsAllowed") ?? 0,
  ],
);

/** NAME and when it was created, as a time. */
export const createdAtPrinter: TablePrinter = {
  columns: [NAME, column("Created At", "date")],
  cells: (object) => [nameOf(object), stringAt(object["metadata"], "creationTimestamp")],
};

export const roleBindingPrinter: TablePrinter = {
  columns: [NAME, column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts")],
  cells(binding, now) {
    const subjects = listAt(binding, "subjects").filter(isObject);
    const named = (kind: string, name: (subject: JsonObject) => string) =>
      subjects
        .filter((subject) => subject["kind"] === kind)
        .map(name)
        .join(", ");
    const role = objectAt(binding, "roleRef");
    return [
      nameOf(binding),
      `${stringAt(role, "kind")}/${stringAt(role, "name")}`,
      ageOf(binding, now),
      named("User", (subject) => stringAt(subject, "name")),
      named("Group", (subject) => stringAt(subject, "name")),
      named("ServiceAccount", (subject) => `${stringAt(subject, "namespace")}/${stringAt(subject, "name")}`),
    ];
  },
};

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
      text(spec?.["minReplicas"], "<unset>"),
      numberAt(spec, "maxReplicas") ?? 0,
      numberAt(status, "currentReplicas") ?? 0,
      ageOf(object, now),
    ];
  },
};

export const nodePrinter: TablePrinter = {
  columns: [
    NAME,
    column("Status"),
    column("Roles"),
    AGE,
    column("Version"),
    wide("Internal-IP"),
    wide("External-IP"),
    wide("OS-Image"),
    wide("Kernel-Version"),
    wide("Container-Runtime"),
  ],
  cells(node, now) {
    const status = objectAt(node, "status");
    const info = objectAt(status, "nodeInfo");
    const known = (name: string) => stringAt(info, name) || "<unknown>";
    return [
      nameOf(node),
      nodeStatus(node),
      orNone(nodeRoles(node).join(",")),
      ageOf(node, now),
      stringAt(info, "kubeletVersion"),
      orNone(nodeAddress(node, "InternalIP")),
      orNone(nodeAddress(node, "ExternalIP")),
      known("osImage"),
      known("kernelVersion"),
      known("containerRuntimeVersion"),
    ];
  },
};

export const eventPrinter: TablePrinter = {
  columns: [
    column("Last Seen"),
    column("Type"),
    column("Reason"),
    column("Object"),
    wide("Subobject"),
    wide("Source"),
    column("Message"),
    wide("First Seen"),
    wide("Count"),
    { ...NAME, priority: 1 },
  ],
  cells(event, now) {
    const isNew = isObject(event["regarding"]);
    const about = objectAt(event, isNew ? "regarding" : "involvedObject");
    const source = objectAt(event, isNew ? "deprecatedSource" : "source");
    const time = (name: string) => {
      const old = `deprecated${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      return event[isNew ? old : name] ?? undefined;
    };
    const first = since(time("firstTimestamp") ?? event["eventTime"], now);
    const series = objectAt(event, "series");
    const last = time("lastTimestamp");
    const name = stringAt(about, "name");
    const kind = stringAt(about, "kind").toLowerCase();
    const component =
      stringAt(source, "component") || stringAt(event, isNew ? "reportingController" : "reportingComponent");
    const host = stringAt(source, "host") || stringAt(event, "reportingInstance");
    const count = numberAt(series, "count") ?? numberAt(event, isNew ? "deprecatedCount" : "count");
    return [
      series !== undefined
        ? since(series["lastObservedTime"], now)
        : last === undefined
          ? first
          : since(last, now),
      stringAt(event, "type"),
      stringAt(event, "reason"),
      name === "" ? kind : `${kind}/${name}`,
      stringAt(about, "fieldPath"),
      host === "" ? component : `${component}, ${host}`,
      stringAt(event, isNew ? "note" : "message").trim(),
      first,
      count || 1,
      nameOf(event),
    ];
  },
};

export const resourceQuotaPrinter: TablePrinter = {
  columns: [NAME, column("Request"), column("Limit"), AGE],
  cells(quota, now) {
    const [hard, used] = [objectAt(quota["status"], "hard") ?? {}, objectAt(quota["status"], "used") ?? {}];
    const parts = Object.keys(hard)
      .sort()
      .map((name) => ({
        limit: name.startsWith("limits."),
        text: `${name}: ${used[name] ?? 0}/${hard[name]}`,
      }));
    const join = (limit: boolean) =>
      parts
        .filter((part) => part.limit === limit)
        .map((part) => part.text)
        .join(", ");
    return [nameOf(quota), join(false), join(true), ageOf(quota, now)];
  },
};

export const priorityClassPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Value", "integer"),
    column("Global-Default", "boolean"),
    AGE,
    column("PreemptionPolicy"),
  ],
  cells: (object, now) => [
    nameOf(object),
    numberAt(object, "value") ?? 0,
    object["globalDefault"] === true,
    ageOf(object, now),
    stringAt(object, "preemptionPolicy"),
  ],
};

export const storageClassPrinter = simple(
  [
    column("Provisioner"),
    column("ReclaimPolicy"),
    column("VolumeBindingMode"),
    column("AllowVolumeExpansion"),
  ],
  (o) => [
    stringAt(o, "provisioner"),
    stringAt(o, "reclaimPolicy") || "Delete",
    stringAt(o, "volumeBindingMode") || "Immediate",
    o["allowVolumeExpansion"] === true,
  ],
);

/** Short forms of access modes. */
const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const modesText = (modes: readonly unknown[]): string =>
  modes.map((mode) => MODES[String(mode)] ?? "").join(",");
const phaseText = (o: JsonObject): string =>
  objectAt(o, "metadata")?.["deletionTimestamp"] === undefined
    ? stringAt(o["status"], "phase")
    : "Terminating";

export const claimPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Status"),
    column("Volume"),
    column("Capacity"),
    column("Access Modes"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    AGE,
    wide("VolumeMode"),
  ],
  cells(claim, now) {
    const [spec, status] = [objectAt(claim, "spec"), objectAt(claim, "status")];
    const volume = stringAt(spec, "volumeName");
    return [
      nameOf(claim),
      phaseText(claim),
      volume,
      volume === "" ? "" : text(objectAt(status, "capacity")?.["storage"], "0"),
      volume === "" ? "" : modesText(listAt(status, "accessModes")),
      stringAt(spec, "storageClassName"),
      stringAt(spec, "volumeAttributesClassName") || "<unset>",
      ageOf(claim, now),
      stringAt(spec, "volumeMode") || "<unset>",
    ];
  },
};

export const volumePrinter: TablePrinter = {
  columns: [
    NAME,
    column("Capacity"),
    column("Access Modes"),
    column("Reclaim Policy"),
    column("Status"),
    column("Claim"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    column("Reason"),
    AGE,
    wide("VolumeMode"),
  ],
  cells(volume, now) {
    const spec = objectAt(volume, "spec");
    const claim = objectAt(spec, "claimRef");
    return [
      nameOf(volume),
      text(objectAt(spec, "capacity")?.["storage"], "0"),
      modesText(listAt(spec, "accessModes")),
      stringAt(spec, "persistentVolumeReclaimPolicy"),
      phaseText(volume),
      claim === undefined ? "" : `${stringAt(claim, "namespace")}/${stringAt(claim, "name")}`,
      stringAt(spec, "storageClassName"),
      stringAt(spec, "volumeAttributesClassName") || "<unset>",
      stringAt(volume["status"], "reason"),
      ageOf(volume, now),
      stringAt(spec, "volumeMode") || "<unset>",
    ];
  },
};

function nodeStatus(node: JsonObject): string {
  const ready = listAt(node["status"], "conditions").find(
    (condition) => stringAt(condition, "type") === "Ready",
  );
  const state = ready === undefined ? "Unknown" : stringAt(ready, "status") === "True" ? "Ready" : "NotReady";
  return objectAt(node, "spec")?.["unschedulable"] === true ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(node: JsonObject): string[] {
  const prefix = "node-role.kubernetes.io/";
  const labels = Object.entries(objectAt(node["metadata"], "labels") ?? {});
  const roles = labels.flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key.length > prefix.length ? [key.slice(prefix.length)] : [];
    return key === "kubernetes.io/role" && value !== "" ? [String(value)] : [];
  });
  return [...new Set(roles)].sort();
}

function nodeAddress(node: JsonObject, type: string): string {
  return stringAt(
    listAt(node["status"], "addresses").find((address) => stringAt(address, "type") === type),
    "address",
  );
}

/** `cpu: 12%/80%`; of several metrics the first two. */
function metricsText(autoscaler: JsonObject): string {
  const specs = listAt(autoscaler["spec"], "metrics").filter(isObject);
  if (specs.length === 0) return "<none>";
  const statuses = listAt(autoscaler["status"], "currentMetrics");
  const texts = specs.map((spec, i) => metricText(spec, statuses[i]));
  return texts.length > 2
    ? `${texts.slice(0, 2).join(", ")} + ${texts.length - 2} more...`
    : texts.join(", ");
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
      return `${name}: ${text(current?.["averageValue"], "<unknown>")}/${text(target?.["averageValue"], "")}`;
    const percent = (value: unknown, none: string) => (typeof value === "number" ? `${value}%` : none);
    const wanted = percent(target?.["averageUtilization"], "<auto>");
    return `${name}: ${percent(current?.["averageUtilization"], "<unknown>")}/${wanted}`;
  }
  const value = average ? "averageValue" : "value";
  const suffix = average && type !== "Pods" ? " (avg)" : "";
  return `${text(current?.[value], "<unknown>")}/${text(target?.[value], "")}${suffix}`;
}
