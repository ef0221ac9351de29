import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { compareQuantities, parseQuantity } from "../values/quantity.ts";
import { ensureObject, isEmptyMember } from "./defaulter.ts";
import { dropDisabledFields } from "./disabled-fields.ts";
import { noRules, TEMPLATE_GENERATION } from "./update.ts";

/**
 * What only the creation of an object adds, beside its defaults (upstream's `PrepareForCreate`): the first status of pods
 * and namespaces, generated selectors of Jobs, the template generation of DaemonSets. The object has its name and uid;
 * `sent` is what it was before its defaults.
 */
export function prepareForCreate(object: JsonObject, sent: JsonObject = object): JsonObject {
  const copy = structuredClone(object);
  dropDisabledFields(copy);
  PREPARATIONS[`${stringAt(copy, "apiVersion")} ${stringAt(copy, "kind")}`]?.(copy, sent);
  return copy;
}

const PREPARATIONS: Readonly<Record<string, (object: JsonObject, sent: JsonObject) => void>> = {
  "v1 Pod": (pod) => {
    const spec = ensureObject(pod, "spec");
    // Older forms of a pod may say -1.
    if ((numberAt(spec, "terminationGracePeriodSeconds") ?? 0) < 0) spec["terminationGracePeriodSeconds"] = 1;
    pod["status"] = { phase: "Pending", ...gated(pod, spec), qosClass: qosClass(spec) };
  },
  "v1 Namespace": (namespace) => {
    const spec = ensureObject(namespace, "spec");
    const finalizers = Array.isArray(spec["finalizers"]) ? spec["finalizers"] : [];
    if (!finalizers.includes("kubernetes")) spec["finalizers"] = [...finalizers, "kubernetes"];
    namespace["status"] = { phase: "Active" };
  },
  "v1 PersistentVolumeClaim": (claim) => {
    protect(claim, "kubernetes.io/pvc-protection");
    settleDataSource(ensureObject(claim, "spec"));
  },
  "v1 PersistentVolume": (volume) => {
    protect(volume, "kubernetes.io/pv-protection");
    const since = objectAt(volume, "metadata")?.["creationTimestamp"];
    volume["status"] = {
      phase: "Pending",
      ...(since === undefined ? {} : { lastPhaseTransitionTime: since }),
    };
  },
  "v1 ServiceAccount": (account) => {
    // Only the names of secrets are kept.
    const secrets = listAt(account, "secrets").filter(isObject);
    if (secrets.length === 0) return;
    account["secrets"] = secrets.map(({ name }) => (name === undefined ? {} : { name }));
  },
  "rbac.authorization.k8s.io/v1 Role": noRules,
  "rbac.authorization.k8s.io/v1 ClusterRole": noRules,
  "apps/v1 DaemonSet": (daemonSet) => {
    ensureObject(ensureObject(daemonSet, "metadata"), "annotations")[TEMPLATE_GENERATION] = "1";
  },
  "batch/v1 Job": (job, sent) => {
    const spec = ensureObject(job, "spec");
    if (spec["manualSelector"] !== true) generateJobSelector(job, spec, sent);
  },
};

/** A pod that gates hold back says so from the start. */
function gated(pod: JsonObject, spec: JsonObject): JsonObject {
  if (listAt(spec, "schedulingGates").length === 0) return {};
  const condition = {
    type: "PodScheduled",
    status: "False",
    lastProbeTime: null,
    lastTransitionTime: objectAt(pod, "metadata")?.["creationTimestamp"] ?? null,
    reason: "SchedulingGated",
    message: "Scheduling is blocked due to non-empty scheduling gates",
  };
  return { conditions: [condition] };
}

/**
 * Both fields for what a claim's content comes from say the same. The older one only knew claims and snapshots: anything
 * else in it was ignored. Sources in other namespaces are switched off.
 */
function settleDataSource(spec: JsonObject): void {
  const source = objectAt(spec, "dataSource");
  const reference = objectAt(spec, "dataSourceRef");
  if ((reference?.["namespace"] ?? "") !== "") delete spec["dataSourceRef"];
  if (source !== undefined && reference === undefined) {
    const [group, kind] = [stringAt(source, "apiGroup"), stringAt(source, "kind")];
    const known =
      (group === "" && kind === "PersistentVolumeClaim") ||
      (group === "snapshot.storage.k8s.io" && kind === "VolumeSnapshot");
    if (known) spec["dataSourceRef"] = { ...source };
    else delete spec["dataSource"];
  } else if (source === undefined && spec["dataSourceRef"] !== undefined && reference !== undefined) {
    const { apiGroup = null, kind, name } = reference;
    spec["dataSource"] = { apiGroup, kind, name };
  }
}

/** Storage that is in use stays until nobody uses it: a controller takes the finalizer away (upstream's admission plugin). */
function protect(object: JsonObject, finalizer: string): void {
  const metadata = ensureObject(object, "metadata");
  const finalizers = listAt(metadata, "finalizers");
  if (!finalizers.includes(finalizer)) metadata["finalizers"] = [...finalizers, finalizer];
}

/** Labels that tie pods to this very Job, and the selector by its uid. Labels that the template gives are kept. */
function generateJobSelector(job: JsonObject, spec: JsonObject, sent: JsonObject): void {
  const { name, uid } = objectAt(job, "metadata") ?? {};
  const labels = ensureObject(ensureObject(ensureObject(spec, "template"), "metadata"), "labels");
  const shared = !isEmptyMember(labels) && isEmptyMember(objectAt(sent, "metadata")?.["labels"]);
  const generated = {
    "controller-uid": uid,
    "job-name": name,
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
  };
  for (const [key, value] of Object.entries(generated)) labels[key] ??= value;
  const selector = ensureObject(ensureObject(spec, "selector"), "matchLabels");
  selector["batch.kubernetes.io/controller-uid"] ??= uid;
  // A Job that took its labels from its template shares them with it.
  if (shared) ensureObject(job, "metadata")["labels"] = { ...labels };
}

/** Guaranteed: every container limits cpu and memory and requests as much; BestEffort: none asks for anything. */
export function qosClass(podSpec: JsonObject): "Guaranteed" | "Burstable" | "BestEffort" {
  // What a pod asks for as a whole stands in the place of what its containers ask for.
  const whole = objectAt(podSpec, "resources");
  const holders =
    whole === undefined
      ? [...listAt(podSpec, "containers"), ...listAt(podSpec, "initContainers")]
      : [podSpec];
  const containers = holders.filter(isObject).map((holder) => ({
    limits: amounts(objectAt(holder["resources"], "limits")),
    requests: amounts(objectAt(holder["resources"], "requests")),
  }));
  if (containers.every(({ limits, requests }) => limits.size + requests.size === 0)) return "BestEffort";
  const guaranteed = containers.every(({ limits, requests }) =>
    COMPUTE.every((name) => {
      const [limit, request] = [limits.get(name), requests.get(name)];
      return limit !== undefined && (request === undefined || compareQuantities(limit, request) === 0);
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

const COMPUTE = ["cpu", "memory"];

/** Amounts of cpu and memory above zero. */
function amounts(resources: JsonObject | undefined): Map<string, string> {
  const found = Object.entries(resources ?? {}).filter(([name]) => COMPUTE.includes(name));
  return new Map(
    found
      .map(([name, value]) => [name, String(value)] as const)
      .filter(([, value]) => parseQuantity(value).nanos > 0n),
  );
}
