import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import {
  AGE,
  ageOf,
  column,
  NAME,
  nameOf,
  orNone,
  simplePrinter,
  type TablePrinter,
  textOr,
  wide,
} from "./table.ts";

const size = (value: unknown): number =>
  Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;

export const namespacePrinter = simplePrinter([column("Status")], (o) => [stringAt(o["status"], "phase")]);
export const configMapPrinter = simplePrinter([column("Data")], (o) => [
  size(o["data"]) + size(o["binaryData"]),
]);
export const secretPrinter = simplePrinter([column("Type"), column("Data")], (o) => [
  stringAt(o, "type"),
  size(o["data"]),
]);
export const serviceAccountPrinter = simplePrinter([column("Secrets")], (o) => [size(o["secrets"])]);
export const leasePrinter = simplePrinter([column("Holder")], (o) => [stringAt(o["spec"], "holderIdentity")]);
export const disruptionBudgetPrinter = simplePrinter(
  [column("Min Available"), column("Max Unavailable"), column("Allowed Disruptions", "integer")],
  (o) => [
    textOr(objectAt(o, "spec")?.["minAvailable"], "N/A"),
    textOr(objectAt(o, "spec")?.["maxUnavailable"], "N/A"),
    numberAt(o["status"], "disruptionsAllowed") ?? 0,
  ],
);

/** NAME and when it was created, as a time. */
export const createdAtPrinter: TablePrinter = {
  nullWhenEmpty: true,
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
