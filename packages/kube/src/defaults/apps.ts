import { isObject, type JsonObject, objectAt } from "../json.ts";
import { type Defaulter, ensureObject, isEmptyMember, setDefault } from "./defaulter.ts";

const replicas: Defaulter = (object) => setDefault(ensureObject(object, "spec"), "replicas", 1);

/** Of apps/v1 and batch/v1, by type. */
export const APPS_DEFAULTS: Readonly<Record<string, Defaulter>> = {
  "apps.v1.ReplicaSet": replicas,
  "apps.v1.Deployment": (deployment) => {
    const spec = ensureObject(deployment, "spec");
    setDefault(spec, "replicas", 1);
    rollingUpdate(ensureObject(spec, "strategy"), { maxUnavailable: "25%", maxSurge: "25%" });
    setDefault(spec, "revisionHistoryLimit", 10);
    setDefault(spec, "progressDeadlineSeconds", 600);
  },
  "apps.v1.DaemonSet": (daemonSet) => {
    const spec = ensureObject(daemonSet, "spec");
    rollingUpdate(ensureObject(spec, "updateStrategy"), { maxUnavailable: 1, maxSurge: 0 });
    setDefault(spec, "revisionHistoryLimit", 10);
  },
  "apps.v1.StatefulSet": (statefulSet) => {
    const spec = ensureObject(statefulSet, "spec");
    setDefault(spec, "podManagementPolicy", "OrderedReady");
    const strategy = ensureObject(spec, "updateStrategy");
    if (!strategy["type"]) {
      strategy["type"] = "RollingUpdate";
      ensureObject(strategy, "rollingUpdate");
    }
    const rolling = strategy["rollingUpdate"];
    if (strategy["type"] === "RollingUpdate" && isObject(rolling)) setDefault(rolling, "partition", 0);
    const retention = ensureObject(spec, "persistentVolumeClaimRetentionPolicy");
    setDefault(retention, "whenDeleted", "Retain");
    setDefault(retention, "whenScaled", "Retain");
    setDefault(spec, "replicas", 1);
    setDefault(spec, "revisionHistoryLimit", 10);
    const templates = spec["volumeClaimTemplates"];
    for (const template of Array.isArray(templates) ? templates : []) {
      if (!isObject(template)) continue;
      setDefault(template, "apiVersion", "v1");
      setDefault(template, "kind", "PersistentVolumeClaim");
    }
  },
  "batch.v1.Job": (job) => {
    const spec = ensureObject(job, "spec");
    if (isUnset(spec["completions"]) && isUnset(spec["parallelism"])) spec["completions"] = 1;
    setDefault(spec, "parallelism", 1);
    setDefault(spec, "backoffLimit", isUnset(spec["backoffLimitPerIndex"]) ? 6 : 2 ** 31 - 1);
    const labels = objectAt(objectAt(spec["template"], "metadata"), "labels");
    const metadata = ensureObject(job, "metadata");
    if (labels !== undefined && isEmptyMember(metadata["labels"])) metadata["labels"] = { ...labels };
    setDefault(spec, "completionMode", "NonIndexed");
    setDefault(spec, "suspend", false);
    setDefault(
      spec,
      "podReplacementPolicy",
      isUnset(spec["podFailurePolicy"]) ? "TerminatingOrFailed" : "Failed",
    );
    setDefault(spec, "manualSelector", false);
  },
  "batch.v1.CronJob": (cronJob) => {
    const spec = ensureObject(cronJob, "spec");
    setDefault(spec, "concurrencyPolicy", "Allow");
    setDefault(spec, "suspend", false);
    setDefault(spec, "successfulJobsHistoryLimit", 3);
    setDefault(spec, "failedJobsHistoryLimit", 1);
  },
  "batch.v1.PodFailurePolicyOnPodConditionsPattern": (pattern) => setDefault(pattern, "status", "True"),
};

const isUnset = (value: unknown): boolean => value === undefined || value === null;

function rollingUpdate(strategy: JsonObject, limits: JsonObject): void {
  setDefault(strategy, "type", "RollingUpdate");
  if (strategy["type"] !== "RollingUpdate") return;
  const rolling = ensureObject(strategy, "rollingUpdate");
  for (const [key, value] of Object.entries(limits)) setDefault(rolling, key, value);
}
