import { definitionErrors, definitionUpdateErrors } from "../custom/definition.ts";
import { type JsonObject, listAt, objectAt } from "../json.ts";
import { bindingErrors, bindingUpdateErrors, roleErrors } from "./access.ts";
import { autoscalerErrors } from "./autoscalers.ts";
import { ingressClassErrors, nodeErrors, revisionErrors } from "./cluster-objects.ts";
import { configMapErrors, configurationUpdateErrors, secretErrors } from "./configuration.ts";
import { endpointSliceErrors, endpointSliceUpdateErrors, endpointsErrors } from "./endpoints.ts";
import { eventErrors, newEventErrors, newEventUpdateErrors } from "./event-objects.ts";
import { type FieldError, forbidden, invalid } from "./field-error.ts";
import { immutableErrors } from "./immutable.ts";
import { ingressClassNameErrors, ingressErrors } from "./ingress.ts";
import { cronJobErrors, jobErrors, jobSpecWithSelectorErrors, jobUpdateErrors } from "./jobs.ts";
import { commonMetadataErrors, metadataErrors, metadataUpdateErrors } from "./metadata.ts";
import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  pathSegmentErrors,
} from "./names.ts";
import { networkPolicyErrors } from "./network-policies.ts";
import { podStatusErrors } from "./pod-status.ts";
import { ephemeralContainersUpdateErrors, podUpdateErrors, resizeErrors } from "./pod-updates.ts";
import { podAnnotationErrors, podSpecErrors, podTemplateErrors } from "./pods.ts";
import { disruptionBudgetErrors, leaseErrors } from "./policies.ts";
import { priorityClassErrors, priorityClassUpdateErrors } from "./priority-classes.ts";
import { limitRangeErrors, quotaErrors, quotaUpdateErrors } from "./quotas.ts";
import { serviceErrors, serviceStatusErrors, serviceUpdateErrors, topologyErrors } from "./services.ts";
import {
  claimErrors,
  claimUpdateErrors,
  persistentVolumeErrors,
  storageClassErrors,
  storageClassUpdateErrors,
} from "./storage.ts";
import {
  daemonSetStatusErrors,
  deploymentStatusErrors,
  replicaSetStatusErrors,
  statefulSetStatusErrors,
} from "./workload-status.ts";
import {
  daemonSetErrors,
  deploymentErrors,
  replicaSetErrors,
  replicationControllerErrors,
  statefulSetErrors,
  statefulSetUpdateErrors,
} from "./workloads.ts";

/** How a kind is checked, beside its metadata. */
interface KindRules {
  readonly names?: (name: string) => string[];
  /** The kind's own rules do not look at metadata: what all kinds share is looked at once they are satisfied. */
  readonly commonMetadata?: true;
  errors?(object: JsonObject): FieldError[];
  /** What an update may not do. */
  updateErrors?(object: JsonObject, before: JsonObject): FieldError[];
  /** What only a new object is held to. */
  newErrors?(object: JsonObject): FieldError[];
  /** An update is held to all that a new object is held to, metadata included, after what it may not change. */
  readonly wholeAgain?: true;
  /** What may not change is told after what is wrong, whatever else is said here. */
  readonly updateLast?: true;
  /** What may not change is told before what is wrong. */
  readonly updateFirst?: true;
  /** What an updated object is held to, where that is less than what a new one is. */
  asUpdated?(object: JsonObject): FieldError[];
  /** The same for updates through a subresource, by its name. */
  readonly through?: Readonly<Record<string, (object: JsonObject, before: JsonObject) => FieldError[]>>;
}

const specOf = (object: JsonObject): JsonObject => objectAt(object, "spec") ?? {};
const withSpec = (check: (spec: JsonObject) => FieldError[]) => (object: JsonObject) => check(specOf(object));
const fixed =
  (...fields: string[]) =>
  (object: JsonObject, before: JsonObject) =>
    immutableErrors(specOf(object), specOf(before), fields, "spec");

const KINDS: Readonly<Record<string, KindRules>> = {
  Namespace: {
    names: dns1123LabelErrors,
    errors: withSpec(namespaceFinalizerErrors),
    through: { status: phaseErrors },
  },
  Pod: {
    errors: (pod) => [
      ...podAnnotationErrors(pod, "metadata.annotations"),
      ...podSpecErrors(specOf(pod), "spec"),
    ],
    newErrors: withSpec((spec) =>
      listAt(spec, "ephemeralContainers").length === 0
        ? []
        : [forbidden("spec.ephemeralContainers", "cannot be set on create")],
    ),
    updateErrors: (pod, before) => podUpdateErrors(specOf(pod), specOf(before)),
    through: {
      status: podStatusErrors,
      ephemeralcontainers: (pod, before) => ephemeralContainersUpdateErrors(specOf(pod), specOf(before)),
      resize: (pod, before) => resizeErrors(specOf(pod), specOf(before)),
    },
  },
  Service: {
    names: dns1035LabelErrors,
    errors: (service) => [...topologyErrors(service), ...serviceErrors(specOf(service))],
    updateErrors: (service, before) => serviceUpdateErrors(specOf(service), specOf(before)),
    updateFirst: true,
    through: { status: serviceStatusErrors },
  },
  Endpoints: { errors: endpointsErrors, wholeAgain: true },
  Event: { names: pathSegmentErrors, errors: eventErrors },
  "Event.events.k8s.io": { errors: newEventErrors, updateErrors: newEventUpdateErrors },
  ResourceQuota: {
    errors: withSpec(quotaErrors),
    updateErrors: (quota, before) => quotaUpdateErrors(specOf(quota), specOf(before)),
  },
  LimitRange: { errors: withSpec(limitRangeErrors) },
  PersistentVolume: { errors: persistentVolumeErrors },
  PersistentVolumeClaim: {
    errors: withSpec((spec) => claimErrors(spec)),
    updateErrors: claimUpdateErrors,
  },
  ConfigMap: { errors: configMapErrors, updateErrors: configurationUpdateErrors, wholeAgain: true },
  Secret: { errors: secretErrors, updateErrors: configurationUpdateErrors, wholeAgain: true },
  ServiceAccount: { wholeAgain: true },
  ReplicationController: { errors: withSpec(replicationControllerErrors) },
  PodTemplate: { errors: (template) => podTemplateErrors(objectAt(template, "template") ?? {}, "template") },
  "ControllerRevision.apps": { errors: revisionErrors },
  "IngressClass.networking.k8s.io": { errors: withSpec(ingressClassErrors), wholeAgain: true },
  Node: { errors: withSpec(nodeErrors) },
  "Deployment.apps": {
    errors: withSpec(deploymentErrors),
    updateErrors: fixed("selector"),
    through: { status: deploymentStatusErrors },
  },
  "ReplicaSet.apps": {
    errors: withSpec(replicaSetErrors),
    updateErrors: fixed("selector"),
    through: { status: replicaSetStatusErrors },
  },
  "DaemonSet.apps": {
    errors: withSpec(daemonSetErrors),
    updateErrors: fixed("selector"),
    updateFirst: true,
    through: { status: daemonSetStatusErrors },
  },
  "StatefulSet.apps": {
    names: dns1123LabelErrors,
    errors: withSpec(statefulSetErrors),
    updateErrors: (set, before) => statefulSetUpdateErrors(specOf(set), specOf(before)),
    through: { status: statefulSetStatusErrors },
  },
  "Job.batch": {
    errors: jobErrors,
    wholeAgain: true,
    // Upstream validates the whole Job, and its spec again with what may not change.
    asUpdated: (job) => [...jobErrors(job), ...jobSpecWithSelectorErrors(specOf(job))],
    updateErrors: (job, before) => jobUpdateErrors(specOf(job), specOf(before), objectAt(before, "status")),
    updateLast: true,
  },
  "CronJob.batch": { names: cronJobNameErrors, errors: withSpec(cronJobErrors) },
  "Ingress.networking.k8s.io": { errors: withSpec(ingressErrors), newErrors: ingressClassNameErrors },
  "NetworkPolicy.networking.k8s.io": { errors: withSpec(networkPolicyErrors) },
  "EndpointSlice.discovery.k8s.io": {
    errors: endpointSliceErrors,
    updateErrors: endpointSliceUpdateErrors,
  },
  "PriorityClass.scheduling.k8s.io": {
    errors: priorityClassErrors,
    updateErrors: priorityClassUpdateErrors,
  },
  "StorageClass.storage.k8s.io": {
    errors: storageClassErrors,
    updateErrors: storageClassUpdateErrors,
  },
  "Lease.coordination.k8s.io": { errors: withSpec(leaseErrors) },
  "PodDisruptionBudget.policy": { commonMetadata: true, errors: withSpec(disruptionBudgetErrors) },
  "HorizontalPodAutoscaler.autoscaling": { errors: withSpec(autoscalerErrors) },
  // Of access upstream looks twice at what is updated.
  "Role.rbac.authorization.k8s.io": {
    names: pathSegmentErrors,
    errors: (role) => roleErrors(role, true),
    asUpdated: (role) => [...roleErrors(role, true), ...roleErrors(role, true)],
  },
  "ClusterRole.rbac.authorization.k8s.io": {
    names: pathSegmentErrors,
    errors: (role) => roleErrors(role, false),
    asUpdated: (role) => [...roleErrors(role, false), ...roleErrors(role, false)],
  },
  "RoleBinding.rbac.authorization.k8s.io": {
    names: pathSegmentErrors,
    errors: (binding) => bindingErrors(binding, true),
    asUpdated: (binding) => [...bindingErrors(binding, true), ...bindingErrors(binding, true)],
    updateErrors: bindingUpdateErrors,
  },
  "ClusterRoleBinding.rbac.authorization.k8s.io": {
    names: pathSegmentErrors,
    errors: (binding) => bindingErrors(binding, false),
    asUpdated: (binding) => [...bindingErrors(binding, false), ...bindingErrors(binding, false)],
    updateErrors: bindingUpdateErrors,
  },
  "CustomResourceDefinition.apiextensions.k8s.io": {
    errors: (definition) => definitionErrors(definition),
    updateErrors: definitionUpdateErrors,
    asUpdated: (definition) => definitionErrors(definition, true),
  },
};

/** An update: the stored object, and through which subresource it is written ("" or absent: the object itself). */
export interface UpdateContext {
  readonly before: JsonObject;
  readonly subresource?: string;
}

/**
 * Everything wrong with an object of a built-in kind, in its typed form with defaults, in upstream's order and words. On an
 * update, what may not change is told too; a status is not held to the rules of the spec, and subresources that exist to
 * change the spec (`ephemeralcontainers`, `binding`, `scale`) may.
 */
export function builtInErrors(
  kind: { group: string; kind: string; namespaced: boolean },
  object: JsonObject,
  update?: UpdateContext,
): FieldError[] {
  const rules = KINDS[kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`] ?? {};
  const nameErrors = rules.names ?? dns1123SubdomainErrors;
  const metadata = metadataErrors(object, { namespaced: kind.namespaced, nameErrors });
  if (update === undefined && rules.commonMetadata === true) {
    const errors = rules.errors?.(object) ?? [];
    return errors.length > 0 ? errors : commonMetadataErrors(object, kind.namespaced);
  }
  if (update === undefined) {
    return [...metadata, ...(rules.errors?.(object) ?? []), ...(rules.newErrors?.(object) ?? [])];
  }
  const { before, subresource = "" } = update;
  // Metadata is looked at once for all kinds and again with the kind; some kinds look a third time.
  const errors = [
    ...commonMetadataErrors(object, kind.namespaced),
    ...metadataUpdateErrors(object, before),
    ...metadataUpdateErrors(object, before, false),
  ];
  const special = rules.through?.[subresource];
  if (subresource === "status") return [...errors, ...(special?.(object, before) ?? [])];
  const check = (subresource === "" ? rules.updateErrors : special)?.(object, before) ?? [];
  const own = [
    ...(rules.wholeAgain === true ? metadata : []),
    ...((rules.asUpdated ?? rules.errors)?.(object) ?? []),
  ];
  const checkFirst = rules.updateLast !== true && (rules.wholeAgain === true || rules.updateFirst === true);
  return checkFirst ? [...errors, ...check, ...own] : [...errors, ...own, ...check];
}

function namespaceFinalizerErrors(spec: JsonObject): FieldError[] {
  const detail = "name is neither a standard finalizer name nor is it fully qualified";
  const plain = listAt(spec, "finalizers")
    .map(String)
    .filter((name) => !name.includes("/") && name !== "kubernetes");
  return plain.map((name) => invalid("spec.finalizers", name, detail));
}

function phaseErrors(namespace: JsonObject): FieldError[] {
  const leaving = objectAt(namespace, "metadata")?.["deletionTimestamp"] !== undefined;
  const phase = objectAt(namespace, "status")?.["phase"] ?? "";
  const wanted = leaving ? "Terminating" : "Active";
  if (phase === wanted) return [];
  const state = leaving ? "not empty" : "empty";
  return [invalid("status.Phase", phase, `may only be '${wanted}' if \`deletionTimestamp\` is ${state}`)];
}

/** The name of a CronJob leaves room for what its Jobs' names add. */
function cronJobNameErrors(name: string): string[] {
  const errors = dns1123SubdomainErrors(name);
  return name.length > 52 ? [...errors, "must be no more than 52 characters"] : errors;
}
