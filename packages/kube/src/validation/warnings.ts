import { isObject, type JsonObject, jsonEqual, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { addressWarning, addressWarnings, cidrWarning } from "./address-warnings.ts";
import { dns1123LabelErrors } from "./names.ts";
import {
  claimSpecWarnings,
  deprecatedNodeLabel,
  goneVolumeWarnings,
  nodeSelectorWarnings,
  podWarnings,
} from "./pod-warnings.ts";

/**
 * What a writer hears of an object that is accepted all the same: things that have no effect, or not the one that they seem
 * to have. On an update only of what changed.
 */
export function builtInWarnings(
  kind: { group: string; kind: string },
  object: JsonObject,
  before?: JsonObject,
): string[] {
  const name = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const rule = RULES[name];
  return [
    ...(before === undefined ? nameWarnings(object, NAMES_PODS[name]) : []),
    ...(TEMPLATES[name] === undefined ? [] : templateWarnings(object, before, TEMPLATES[name])),
    ...(rule?.(object, before) ?? []),
  ];
}

type WarningRule = (object: JsonObject, before: JsonObject | undefined) => string[];

const RULES: Readonly<Record<string, WarningRule>> = {
  // People seldom change pods themselves.
  Pod: (pod, before) => (before === undefined ? podWarnings(pod) : []),
  Service: serviceWarnings,
  "Ingress.networking.k8s.io": (ingress, before) => (before === undefined ? ingressWarnings(ingress) : []),
  "StatefulSet.apps": statefulSetWarnings,
  PersistentVolume: volumeWarnings,
  PersistentVolumeClaim: (claim) => [
    ...storageClassAnnotation(claim),
    ...claimSpecWarnings(objectAt(claim, "spec"), "spec"),
  ],
  "StorageClass.storage.k8s.io": topologyWarnings,
  "NetworkPolicy.networking.k8s.io": networkPolicyWarnings,
  Node: nodeWarnings,
  Endpoints: endpointsWarnings,
  "EndpointSlice.discovery.k8s.io": sliceWarnings,
  ServiceAccount: (account, before) => (before === undefined ? accountWarnings(account) : []),
  "RuntimeClass.node.k8s.io": (runtime) =>
    Object.keys(objectAt(objectAt(runtime, "scheduling"), "nodeSelector") ?? {}).flatMap((key) => {
      const instead = deprecatedNodeLabel(key);
      return instead === undefined ? [] : [`scheduling.nodeSelector: ${instead}`];
    }),
};

/** What the name of an object becomes part of. */
const NAMES_PODS: Readonly<Record<string, string>> = {
  Pod: "the Pod's hostname",
  ReplicationController: "Pod names and hostnames",
  "Deployment.apps": "Pod names and hostnames",
  "ReplicaSet.apps": "Pod names and hostnames",
  "Job.batch": "Pod names and hostnames",
  "CronJob.batch": "Pod names and hostnames",
};

function nameWarnings(object: JsonObject, used: string | undefined): string[] {
  if (used === undefined) return [];
  const wrong = dns1123LabelErrors(stringAt(objectAt(object, "metadata"), "name"));
  if (wrong.length === 0) return [];
  return [
    `metadata.name: this is used in ${used}, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(" ")}]`,
  ];
}

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  "Deployment.apps": ["spec", "template"],
  "ReplicaSet.apps": ["spec", "template"],
  "DaemonSet.apps": ["spec", "template"],
  "StatefulSet.apps": ["spec", "template"],
  ReplicationController: ["spec", "template"],
  PodTemplate: ["template"],
  "Job.batch": ["spec", "template"],
  "CronJob.batch": ["spec", "jobTemplate", "spec", "template"],
};

function templateWarnings(
  object: JsonObject,
  before: JsonObject | undefined,
  path: readonly string[],
): string[] {
  const template = templateAt(object, path);
  if (template === undefined || jsonEqual(template, before && templateAt(before, path))) return [];
  return podWarnings(template, path.join("."));
}

const templateAt = (object: JsonObject, path: readonly string[]): JsonObject | undefined =>
  path.reduce<JsonObject | undefined>((at, key) => objectAt(at, key), object);

const TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints";

function serviceWarnings(service: JsonObject): string[] {
  const spec = objectAt(service, "spec") ?? {};
  const annotations = objectAt(objectAt(service, "metadata"), "annotations") ?? {};
  const warnings: string[] = [];
  if (Object.hasOwn(annotations, TOPOLOGY_HINTS)) {
    warnings.push(
      `annotation ${TOPOLOGY_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    );
  }
  const balancer = stringAt(spec, "loadBalancerIP");
  if (spec["clusterIP"] === "None") {
    const sticky = stringAt(spec, "sessionAffinity");
    if (balancer !== "") warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (listAt(spec, "externalIPs").length > 0)
      warnings.push("spec.externalIPs is ignored for headless services");
    if (sticky !== "" && sticky !== "None")
      warnings.push("spec.SessionAffinity is ignored for headless services");
  } else warnings.push(...addressWarnings(listAt(spec, "clusterIPs"), "spec.clusterIPs"));
  warnings.push(...addressWarnings(listAt(spec, "externalIPs"), "spec.externalIPs"));
  if (balancer !== "") warnings.push(...addressWarning(balancer, "spec.loadBalancerIP"));
  listAt(spec, "loadBalancerSourceRanges").forEach((range, i) => {
    warnings.push(...cidrWarning(String(range).trim(), `spec.loadBalancerSourceRanges[${i}]`));
  });
  if (spec["type"] !== "ExternalName" && stringAt(spec, "externalName") !== "") {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  return warnings;
}

const CLASS = "kubernetes.io/ingress.class";

function ingressWarnings(ingress: JsonObject): string[] {
  const annotations = objectAt(objectAt(ingress, "metadata"), "annotations") ?? {};
  if (!Object.hasOwn(annotations, CLASS)) return [];
  return [`annotation "${CLASS}" is deprecated, please use 'spec.ingressClassName' instead`];
}

function statefulSetWarnings(set: JsonObject): string[] {
  const spec = objectAt(set, "spec") ?? {};
  const claims = listAt(spec, "volumeClaimTemplates").flatMap((claim, i) =>
    // Upstream leaves the claim's spec out of the path.
    claimSpecWarnings(objectAt(claim, "spec"), `spec.volumeClaimTemplates[${i}]`),
  );
  if ((numberAt(spec, "revisionHistoryLimit") ?? 0) >= 0) return claims;
  const advice = "a negative value retains all historical revisions; a value >= 0 is recommended";
  return [...claims, `spec.revisionHistoryLimit: ${advice}`];
}

const STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class";

function storageClassAnnotation(object: JsonObject): string[] {
  const annotations = objectAt(objectAt(object, "metadata"), "annotations") ?? {};
  if (!Object.hasOwn(annotations, STORAGE_CLASS)) return [];
  return [
    `metadata.annotations[${STORAGE_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`,
  ];
}

function volumeWarnings(volume: JsonObject): string[] {
  const spec = objectAt(volume, "spec") ?? {};
  const recycled =
    "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
  return [
    ...storageClassAnnotation(volume),
    ...(spec["persistentVolumeReclaimPolicy"] === "Recycle"
      ? [`spec.persistentVolumeReclaimPolicy: ${recycled}`]
      : []),
    ...nodeSelectorWarnings(
      objectAt(objectAt(spec, "nodeAffinity"), "required"),
      "spec.nodeAffinity.required",
    ),
    ...goneVolumeWarnings(spec, "spec"),
  ];
}

function topologyWarnings(storage: JsonObject): string[] {
  return listAt(storage, "allowedTopologies").flatMap((term, i) =>
    listAt(term, "matchLabelExpressions").flatMap((expression, j) => {
      const instead = deprecatedNodeLabel(stringAt(expression, "key"));
      return instead === undefined
        ? []
        : [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${instead}`];
    }),
  );
}

function networkPolicyWarnings(policy: JsonObject): string[] {
  const spec = objectAt(policy, "spec");
  return [
    ["ingress", "from"],
    ["egress", "to"],
  ].flatMap(([direction = "", peers = ""]) =>
    listAt(spec, direction).flatMap((rule, i) =>
      listAt(rule, peers).flatMap((peer, j) => {
        const block = objectAt(peer, "ipBlock");
        if (block === undefined) return [];
        const at = `spec.${direction}[${i}].${peers}[${j}].ipBlock`;
        return [
          ...cidrWarning(stringAt(block, "cidr"), `${at}.cidr`),
          ...listAt(block, "except").flatMap((cidr, k) => cidrWarning(String(cidr), `${at}.except[${k}]`)),
        ];
      }),
    ),
  );
}

function nodeWarnings(node: JsonObject): string[] {
  const spec = objectAt(node, "spec") ?? {};
  const warnings: string[] = [];
  if (spec["configSource"] !== undefined) {
    warnings.push("spec.configSource: the feature is removed");
  }
  if (stringAt(spec, "externalID") !== "") {
    warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes");
  }
  listAt(spec, "podCIDRs").forEach((cidr, i) => {
    warnings.push(...cidrWarning(String(cidr), `spec.podCIDRs[${i}]`));
  });
  return warnings;
}

function endpointsWarnings(endpoints: JsonObject): string[] {
  return listAt(endpoints, "subsets").flatMap((subset, i) =>
    ["addresses", "notReadyAddresses"].flatMap((field) =>
      listAt(subset, field).flatMap((address, j) =>
        addressWarning(stringAt(address, "ip"), `subsets[${i}].${field}[${j}].ip`),
      ),
    ),
  );
}

function sliceWarnings(slice: JsonObject): string[] {
  if (slice["addressType"] === "FQDN") return ["spec.addressType: FQDN endpoints are deprecated"];
  return listAt(slice, "endpoints")
    .filter(isObject)
    .flatMap((endpoint, i) => addressWarnings(listAt(endpoint, "addresses"), `endpoints[${i}].addresses`));
}

const MOUNTABLE = "kubernetes.io/enforce-mountable-secrets";

function accountWarnings(account: JsonObject): string[] {
  const annotations = objectAt(objectAt(account, "metadata"), "annotations") ?? {};
  if (!Object.hasOwn(annotations, MOUNTABLE)) return [];
  const advice = "prefer separate namespaces to isolate access to mounted secrets";
  return [`metadata.annotations[${MOUNTABLE}]: deprecated in v1.32+; ${advice}`];
}
