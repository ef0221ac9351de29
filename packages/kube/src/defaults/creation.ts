import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { compareQuantities, parseQuantity } from "../values/quantity.ts";
import { ensureObject } from "./defaulter.ts";
import { noRules, TEMPLATE_GENERATION } from "./update.ts";

/**
 * What only the creation of an object adds, beside its defaults (upstream's `PrepareForCreate`): the first status of pods
 * and namespaces, generated selectors of Jobs, the template generation of DaemonSets. The object has its name and uid.
 */
export function prepareForCreate(object: JsonObject): JsonObject {
  const copy = structuredClone(object);
  PREPARATIONS[`${stringAt(copy, "apiVersion")} ${stringAt(copy, "kind")}`]?.(copy);
  return copy;
}

const PREPARATIONS: Readonly<Record<string, (object: JsonObject) => void>> = {
  "v1 Pod": (pod) => {
    pod["status"] = { phase: "Pending", qosClass: qosClass(ensureObject(pod, "spec")) };
  },
  "v1 Namespace": (namespace) => {
    const spec = ensureObject(namespace, "spec");
    const finalizers = Array.isArray(spec["finalizers"]) ? spec["finalizers"] : [];
    if (!finalizers.includes("kubernetes")) spec["finalizers"] = [...finalizers, "kubernetes"];
    namespace["status"] = { phase: "Active" };
  },
  "v1 PersistentVolumeClaim": (claim) => protect(claim, "kubernetes.io/pvc-protection"),
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
  "batch/v1 Job": (job) => {
    const spec = ensureObject(job, "spec");
    if (spec["manualSelector"] !== true) generateJobSelector(job, spec);
  },
};

/** Storage that is in use stays until nobody uses it: a controller takes the finalizer away (upstream's admission plugin). */
function protect(object: JsonObject, finalizer: string): void {
  const metadata = ensureObject(object, "metadata");
  const finalizers = listAt(metadata, "finalizers");
  if (!finalizers.includes(finalizer)) metadata["finalizers"] = [...finalizers, finalizer];
}

/** Labels that tie pods to this very Job, and the selector by its uid. Labels that the template gives are kept. */
function generateJobSelector(job: JsonObject, spec: JsonObject): void {
  const { name, uid } = objectAt(job, "metadata") ?? {};
  const labels = ensureObject(ensureObject(ensureObject(spec, "template"), "metadata"), "labels");
  const generated = {
    "controller-uid": uid,
    "job-name": name,
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
  };
  for (const [key, value] of Object.entries(generated)) labels[key] ??= value;
  const selector = ensureObject(ensureObject(spec, "selector"), "matchLabels");
  selector["batch.kubernetes.io/controller-uid"] ??= uid;
  // Defaulting copied the template's labels before these were made.
  const own = ensureObject(ensureObject(job, "metadata"), "labels");
  if (Object.keys(own).length === 0) Object.assign(own, labels);
}

/** Guaranteed: every container limits cpu and memory and requests as much; BestEffort: none asks for anything. */
export function qosClass(podSpec: JsonObject): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [podSpec["containers"], podSpec["initContainers"]]
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .filter(isObject)
    .map((container) => ({
      limits: amounts(objectAt(container["resources"], "limits")),
      requests: amounts(objectAt(container["resources"], "requests")),
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
