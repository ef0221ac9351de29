import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { type Defaulter, ensureObject, isEmptyMember, setDefault } from "./defaulter.ts";

const RBAC = "rbac.authorization.k8s.io";
const roleRef: Defaulter = (binding) => setDefault(ensureObject(binding, "roleRef"), "apiGroup", RBAC);

/** Of the smaller groups, by type. */
export const GROUP_DEFAULTS: Readonly<Record<string, Defaulter>> = {
  "networking.v1.NetworkPolicy": (policy) => {
    const spec = ensureObject(policy, "spec");
    if (isEmptyMember(spec["policyTypes"])) {
      spec["policyTypes"] = ["Ingress", ...(isEmptyMember(spec["egress"]) ? [] : ["Egress"])];
    }
  },
  "networking.v1.NetworkPolicyPort": (port) => setDefault(port, "protocol", "TCP"),
  "networking.v1.IngressClassParametersReference": (parameters) => setDefault(parameters, "scope", "Cluster"),
  "rbac.v1.RoleBinding": roleRef,
  "rbac.v1.ClusterRoleBinding": roleRef,
  "rbac.v1.Subject": (subject) => {
    if (subject["kind"] === "User" || subject["kind"] === "Group") setDefault(subject, "apiGroup", RBAC);
  },
  "autoscaling.v1.HorizontalPodAutoscaler": (autoscaler) => {
    const spec = ensureObject(autoscaler, "spec");
    setDefault(spec, "minReplicas", 1);
    const metadata = ensureObject(autoscaler, "metadata");
    const annotations = objectAt(metadata, "annotations") ?? {};
    const others = annotations["autoscaling.alpha.kubernetes.io/metrics"];
    // Without any metric the processors are watched. Annotations that say nothing do not come back.
    if (others === undefined || others === "[]") setDefault(spec, "targetCPUUtilizationPercentage", 80);
    for (const key of ROUND_TRIP) if (annotations[key] === "[]") delete annotations[key];
    if (Object.keys(annotations).length === 0) delete metadata["annotations"];
  },
  "autoscaling.v2.HorizontalPodAutoscaler": (autoscaler) => {
    const spec = ensureObject(autoscaler, "spec");
    setDefault(spec, "minReplicas", 1);
    if (isEmptyMember(spec["metrics"])) spec["metrics"] = [cpuMetric(80)];
    const { behavior } = spec;
    if (!isObject(behavior)) return;
    behavior["scaleUp"] = { ...SCALE_UP, ...present(behavior["scaleUp"]) };
    behavior["scaleDown"] = { ...SCALE_DOWN, ...present(behavior["scaleDown"]) };
  },
  "discovery.v1.EndpointPort": (port) => {
    if (port["name"] === undefined || port["name"] === null) port["name"] = "";
    setDefault(port, "protocol", "TCP");
  },
  "authentication.v1.TokenRequestSpec": (spec) => setDefault(spec, "expirationSeconds", 3600),
  "scheduling.v1.PriorityClass": (priority) =>
    setDefault(priority, "preemptionPolicy", "PreemptLowerPriority"),
  "apiextensions.v1.CustomResourceDefinition": (definition) => {
    const spec = ensureObject(definition, "spec");
    const names = ensureObject(spec, "names");
    const kind = stringAt(names, "kind");
    setDefault(names, "singular", kind.toLowerCase());
    if (kind !== "") setDefault(names, "listKind", `${kind}List`);
    if (!isObject(spec["conversion"])) spec["conversion"] = { strategy: "None" };
    const status = ensureObject(definition, "status");
    const stored = listAt(spec, "versions").find(
      (version) => isObject(version) && version["storage"] === true,
    );
    if (isEmptyMember(status["storedVersions"]) && stored !== undefined) {
      status["storedVersions"] = [stringAt(stored, "name")];
    }
  },
  "storage.v1.StorageClass": (storage) => {
    setDefault(storage, "reclaimPolicy", "Delete");
    setDefault(storage, "volumeBindingMode", "Immediate");
  },
};

/** Annotations in which autoscaling/v1 carries what it has no fields for. */
const ROUND_TRIP = ["metrics", "conditions", "current-metrics", "behavior"].map(
  (name) => `autoscaling.alpha.kubernetes.io/${name}`,
);

const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };

const cpuMetric = (averageUtilization: number): JsonObject => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

/** The members that say something. */
function present(value: unknown): JsonObject {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null && member !== undefined),
  );
}
