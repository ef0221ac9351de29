import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import type { LabelSelector } from "../object.ts";
import { formatLabelSelector } from "../selectors/label-selector.ts";
import { humanDuration } from "../values/duration.ts";
import { parseTime } from "../values/time.ts";
import { AGE, ageOf, column, NAME, nameOf, orNone, since, type TablePrinter, wide } from "./table.ts";

const CONTAINERS = [wide("Containers"), wide("Images")];

const count = (object: JsonObject, part: "spec" | "status", name: string): number =>
  numberAt(object[part], name) ?? 0;

export const deploymentPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Ready"),
    column("Up-to-date"),
    column("Available"),
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, now) => [
    nameOf(object),
    `${count(object, "status", "readyReplicas")}/${count(object, "spec", "replicas")}`,
    count(object, "status", "updatedReplicas"),
    count(object, "status", "availableReplicas"),
    ageOf(object, now),
    ...containerCells(objectAt(object, "spec")),
    selectorText(objectAt(object, "spec")?.["selector"]),
  ],
};

export const replicaSetPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Desired", "integer"),
    column("Current", "integer"),
    column("Ready", "integer"),
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, now) => [
    nameOf(object),
    count(object, "spec", "replicas"),
    count(object, "status", "replicas"),
    count(object, "status", "readyReplicas"),
    ageOf(object, now),
    ...containerCells(objectAt(object, "spec")),
    orNone(selectorOf(object)),
  ],
};

export const replicationControllerPrinter: TablePrinter = {
  columns: replicaSetPrinter.columns,
  cells: (object, now) => [
    ...replicaSetPrinter.cells(object, now).slice(0, -1),
    labelsText(objectAt(objectAt(object, "spec"), "selector")),
  ],
};

export const podTemplatePrinter: TablePrinter = {
  columns: [NAME, column("Containers"), column("Images"), column("Pod Labels")],
  cells: (object) => [
    nameOf(object),
    ...containerCells(object),
    labelsText(objectAt(objectAt(objectAt(object, "template"), "metadata"), "labels")),
  ],
};

export const daemonSetPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Desired", "integer"),
    column("Current", "integer"),
    column("Ready", "integer"),
    column("Up-to-date", "integer"),
    column("Available", "integer"),
    column("Node Selector"),
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, now) => [
    nameOf(object),
    count(object, "status", "desiredNumberScheduled"),
    count(object, "status", "currentNumberScheduled"),
    count(object, "status", "numberReady"),
    count(object, "status", "updatedNumberScheduled"),
    count(object, "status", "numberAvailable"),
    labelsText(objectAt(objectAt(objectAt(object["spec"], "template"), "spec"), "nodeSelector")),
    ageOf(object, now),
    ...containerCells(objectAt(object, "spec")),
    orNone(selectorOf(object)),
  ],
};

export const statefulSetPrinter: TablePrinter = {
  columns: [NAME, column("Ready"), AGE, ...CONTAINERS],
  cells: (object, now) => [
    nameOf(object),
    `${count(object, "status", "readyReplicas")}/${count(object, "spec", "replicas")}`,
    ageOf(object, now),
    ...containerCells(objectAt(object, "spec")),
  ],
};

export const jobPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Status"),
    column("Completions"),
    column("Duration"),
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells: (object, now) => [
    nameOf(object),
    jobStatus(object),
    completions(object),
    jobDuration(object, now),
    ageOf(object, now),
    ...containerCells(objectAt(object, "spec")),
    orNone(selectorOf(object)),
  ],
};

export const cronJobPrinter: TablePrinter = {
  columns: [
    NAME,
    column("Schedule"),
    column("Timezone"),
    column("Suspend", "boolean"),
    column("Active", "integer"),
    column("Last Schedule"),
    AGE,
    ...CONTAINERS,
    wide("Selector"),
  ],
  cells(object, now) {
    const spec = objectAt(object, "spec");
    const last = objectAt(object, "status")?.["lastScheduleTime"];
    const template = objectAt(objectAt(spec, "jobTemplate"), "spec");
    const suspend = spec?.["suspend"];
    return [
      nameOf(object),
      stringAt(spec, "schedule"),
      orNone(stringAt(spec, "timeZone")),
      typeof suspend === "boolean" ? (suspend ? "True" : "False") : "<unset>",
      listAt(object["status"], "active").length,
      last === undefined || last === null ? "<none>" : since(last, now),
      ageOf(object, now),
      ...containerCells(template),
      selectorText(template?.["selector"]),
    ];
  },
};

export const controllerRevisionPrinter: TablePrinter = {
  columns: [NAME, column("Controller"), column("Revision"), AGE],
  cells(object, now) {
    const owner = listAt(object["metadata"], "ownerReferences").find(
      (o) => isObject(o) && o["controller"] === true,
    );
    const apiVersion = stringAt(owner, "apiVersion");
    const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
    const controller =
      owner === undefined
        ? "<none>"
        : `${stringAt(owner, "kind").toLowerCase()}${group}/${stringAt(owner, "name")}`;
    return [nameOf(object), controller, numberAt(object, "revision") ?? 0, ageOf(object, now)];
  },
};

/** Names and images of a template's containers, joined. */
function containerCells(spec: JsonObject | undefined): [string, string] {
  const containers = listAt(objectAt(objectAt(spec, "template"), "spec"), "containers");
  return [
    containers.map((container) => stringAt(container, "name")).join(","),
    containers.map((container) => stringAt(container, "image")).join(","),
  ];
}

const selectorOf = (object: JsonObject): string => selectorText(objectAt(object, "spec")?.["selector"], "");

/** A `LabelSelector` as text. An absent or empty one is `<none>` unless another word is given. */
export function selectorText(selector: unknown, none = "<none>"): string {
  // Objects that were stored passed validation, so the selector has the form of its type.
  const text = isObject(selector) ? formatLabelSelector(selector as LabelSelector) : "";
  return text === "" ? none : text;
}

/** Labels as `a=b,c=d`, sorted. */
export function labelsText(labels: JsonObject | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  return orNone(pairs.sort().join(","));
}

function jobStatus(job: JsonObject): string {
  const has = (type: string) =>
    listAt(job["status"], "conditions").some(
      (c) => stringAt(c, "type") === type && stringAt(c, "status") === "True",
    );
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (objectAt(job, "metadata")?.["deletionTimestamp"] !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(has) ?? "Running";
}

function completions(job: JsonObject): string {
  const done = count(job, "status", "succeeded");
  const wanted = numberAt(job["spec"], "completions");
  if (wanted !== undefined) return `${done}/${wanted}`;
  const parallelism = count(job, "spec", "parallelism");
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function jobDuration(job: JsonObject, now: number): string {
  const start = parseTime(stringAt(job["status"], "startTime"));
  if (start === undefined) return "";
  return humanDuration((parseTime(stringAt(job["status"], "completionTime")) ?? now) - start);
}

/** How many replicas of something are wanted and there. */
export const scalePrinter: TablePrinter = {
  columns: [column("Name"), column("Desired", "integer"), column("Available", "integer"), AGE],
  cells: (scale, now) => [
    nameOf(scale),
    numberAt(objectAt(scale, "spec"), "replicas") ?? 0,
    numberAt(objectAt(scale, "status"), "replicas") ?? 0,
    ageOf(scale, now),
  ],
};
