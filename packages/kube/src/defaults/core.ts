import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../json.ts";
import { formatQuantity, parseQuantity } from "../values/quantity.ts";
import { type Defaulter, ensureObject, isEmptyMember, setDefault, setNumber } from "./defaulter.ts";

const mode: Defaulter = (source) => setDefault(source, "defaultMode", 0o644);

/** Of core/v1, by type. */
export const CORE_DEFAULTS: Readonly<Record<string, Defaulter>> = {
  "core.v1.Pod": (pod) => {
    const spec = ensureObject(pod, "spec");
    for (const container of containersOf(spec)) requestLimits(container);
    requestForAll(spec);
    setDefault(spec, "enableServiceLinks", true);
    if (spec["hostNetwork"] === true) for (const container of containersOf(spec)) openHostPorts(container);
  },
  "core.v1.PodStatus": (status) => {
    // The first of the addresses has a field of its own, which wins.
    const ip = stringAt(status, "podIP");
    const [first] = listAt(status, "podIPs");
    if (ip !== "" && stringAt(first, "ip") !== ip) status["podIPs"] = [{ ip }];
    else if (ip === "" && first !== undefined) status["podIP"] = stringAt(first, "ip");
  },
  "core.v1.PodSpec": (spec) => {
    setDefault(spec, "dnsPolicy", "ClusterFirst");
    setDefault(spec, "restartPolicy", "Always");
    setDefault(spec, "securityContext", {});
    setDefault(spec, "terminationGracePeriodSeconds", 30);
    setDefault(spec, "schedulerName", "default-scheduler");
    // Two names of one field; the conversion upstream keeps them the same.
    const account = stringAt(spec, "serviceAccountName") || stringAt(spec, "serviceAccount");
    if (account !== "") Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  },
  "core.v1.Volume": (volume) => {
    const sources = Object.keys(volume).filter((key) => key !== "name" && volume[key] !== null);
    if (sources.length === 0) volume["emptyDir"] = {};
  },
  "core.v1.Container": container,
  "core.v1.EphemeralContainer": container,
  "core.v1.Probe": (probe) => {
    setNumber(probe, "timeoutSeconds", 1);
    setNumber(probe, "periodSeconds", 10);
    setNumber(probe, "successThreshold", 1);
    setNumber(probe, "failureThreshold", 3);
  },
  "core.v1.HTTPGetAction": (get) => {
    setDefault(get, "path", "/");
    setDefault(get, "scheme", "HTTP");
  },
  "core.v1.AzureDiskVolumeSource": (disk) => {
    if (disk["readOnly"] === undefined || disk["readOnly"] === null) disk["readOnly"] = false;
  },
  "core.v1.GRPCAction": (action) => {
    if (action["service"] === undefined || action["service"] === null) action["service"] = "";
  },
  "core.v1.SecretVolumeSource": mode,
  "core.v1.ConfigMapVolumeSource": mode,
  "core.v1.DownwardAPIVolumeSource": mode,
  "core.v1.ProjectedVolumeSource": mode,
  "core.v1.ServiceAccountTokenProjection": (token) => setNumber(token, "expirationSeconds", 3600),
  "core.v1.HostPathVolumeSource": (path) => {
    if (path["type"] === undefined || path["type"] === null) path["type"] = "";
  },
  "core.v1.ObjectFieldSelector": (selector) => setDefault(selector, "apiVersion", "v1"),
  "core.v1.Service": service,
  "core.v1.Secret": (secret) => {
    setDefault(secret, "type", "Opaque");
    const plain = objectAt(secret, "stringData");
    if (plain === undefined) return;
    const data = ensureObject(secret, "data");
    for (const [key, value] of Object.entries(plain))
      data[key] = Buffer.from(String(value)).toString("base64");
    delete secret["stringData"];
  },
  "core.v1.Namespace": (namespace) => {
    const metadata = ensureObject(namespace, "metadata");
    const name = stringAt(metadata, "name");
    if (name !== "") ensureObject(metadata, "labels")["kubernetes.io/metadata.name"] = name;
  },
  "core.v1.NamespaceStatus": (status) => setDefault(status, "phase", "Active"),
  "core.v1.NodeStatus": (status) => {
    if (status["capacity"] !== undefined) setDefault(status, "allocatable", status["capacity"]);
  },
  "core.v1.PersistentVolume": (volume) => {
    const spec = ensureObject(volume, "spec");
    setDefault(ensureObject(volume, "status"), "phase", "Pending");
    setDefault(spec, "persistentVolumeReclaimPolicy", "Retain");
    setDefault(spec, "volumeMode", "Filesystem");
  },
  "core.v1.PersistentVolumeClaim": (claim) => setDefault(ensureObject(claim, "status"), "phase", "Pending"),
  "core.v1.PersistentVolumeClaimSpec": (spec) => setDefault(spec, "volumeMode", "Filesystem"),
  "core.v1.LimitRangeItem": (limit) => {
    if (limit["type"] !== "Container") return;
    // What is not said follows from what is: the upper limit, the default limit, the lower limit.
    for (const [to, from] of [
      ["default", "max"],
      ["defaultRequest", "default"],
      ["defaultRequest", "min"],
    ] as const) {
      const amounts = objectAt(limit, from) ?? {};
      if (Object.keys(amounts).length > 0) limit[to] = { ...amounts, ...objectAt(limit, to) };
    }
  },
  "core.v1.EndpointPort": (port) => setDefault(port, "protocol", "TCP"),
  "core.v1.ReplicationController": (controller) => {
    const spec = ensureObject(controller, "spec");
    const labels = objectAt(objectAt(spec["template"], "metadata"), "labels");
    if (labels !== undefined) {
      if (isEmptyMember(spec["selector"])) spec["selector"] = { ...labels };
      const metadata = ensureObject(controller, "metadata");
      if (isEmptyMember(metadata["labels"])) metadata["labels"] = { ...labels };
    }
    setDefault(spec, "replicas", 1);
  },
};

function container(object: JsonObject): void {
  setDefault(
    object,
    "imagePullPolicy",
    imageTag(stringAt(object, "image")) === "latest" ? "Always" : "IfNotPresent",
  );
  setDefault(object, "terminationMessagePath", "/dev/termination-log");
  setDefault(object, "terminationMessagePolicy", "File");
}

/** The reference to an image: `[registry/]path[:tag][@digest]`; the path is lower case. */
const IMAGE = (() => {
  const segment = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
  const registry = "(?:(?:[A-Za-z0-9-]*[A-Z.:][A-Za-z0-9.:-]*|localhost|\\[[0-9a-fA-F:]+\\](?::\\d+)?)/)?";
  return new RegExp(
    `^${registry}${segment}(?:/${segment})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,})?$`,
  );
})();

/** The tag of an image's name: `latest` where it has neither tag nor digest. */
function imageTag(image: string): string {
  if (!IMAGE.test(image)) return "";
  const [name = "", digest] = image.split("@");
  const last = name.slice(name.lastIndexOf("/") + 1);
  const colon = last.indexOf(":");
  if (colon >= 0) return last.slice(colon + 1);
  return digest === undefined ? "latest" : "";
}

function service(object: JsonObject): void {
  const spec = ensureObject(object, "spec");
  setDefault(spec, "sessionAffinity", "None");
  if (spec["sessionAffinity"] === "None") delete spec["sessionAffinityConfig"];
  if (spec["sessionAffinity"] === "ClientIP") {
    setDefault(
      ensureObject(ensureObject(spec, "sessionAffinityConfig"), "clientIP"),
      "timeoutSeconds",
      10800,
    );
  }
  setDefault(spec, "type", "ClusterIP");
  for (const port of listAt(spec, "ports").filter(isObject)) {
    setDefault(port, "protocol", "TCP");
    if (port["targetPort"] === 0 || port["targetPort"] === "" || port["targetPort"] === undefined) {
      port["targetPort"] = port["port"];
    }
  }
  const type = spec["type"];
  const balanced = type === "LoadBalancer";
  const external =
    balanced || type === "NodePort" || (type === "ClusterIP" && !isEmptyMember(spec["externalIPs"]));
  if (external) setDefault(spec, "externalTrafficPolicy", "Cluster");
  if (balanced || type === "NodePort" || type === "ClusterIP")
    setDefault(spec, "internalTrafficPolicy", "Cluster");
  if (!balanced) return;
  setDefault(spec, "allocateLoadBalancerNodePorts", true);
  for (const ingress of listAt(objectAt(object["status"], "loadBalancer"), "ingress").filter(isObject)) {
    if (stringAt(ingress, "ip") !== "") setDefault(ingress, "ipMode", "VIP");
  }
}

function containersOf(spec: JsonObject): JsonObject[] {
  return [...listAt(spec, "containers"), ...listAt(spec, "initContainers")].filter(isObject);
}

function requestLimits(object: JsonObject): void {
  const resources = ensureObject(object, "resources");
  const limits = objectAt(resources, "limits");
  if (limits === undefined) return;
  const requests = ensureObject(resources, "requests");
  for (const [name, value] of Object.entries(limits)) requests[name] ??= value;
}

/** What a pod as a whole asks for: what its containers do, or else its limits. */
function requestForAll(spec: JsonObject): void {
  const resources = objectAt(spec, "resources");
  const limits = objectAt(resources, "limits");
  if (resources === undefined || limits === undefined) return;
  const requests = ensureObject(resources, "requests");
  for (const [name, value] of Object.entries(limits)) {
    const asked = listAt(spec, "containers").flatMap((container) => {
      const own = objectAt(objectAt(container, "resources"), "requests")?.[name];
      return own === undefined ? [] : [parseQuantity(String(own))];
    });
    const sum = asked.reduce((total, { nanos }) => total + nanos, 0n);
    requests[name] ??= asked[0] === undefined ? value : formatQuantity({ ...asked[0], nanos: sum });
  }
}

function openHostPorts(object: JsonObject): void {
  for (const port of listAt(object, "ports").filter(isObject)) {
    if (!port["hostPort"]) port["hostPort"] = port["containerPort"];
  }
}
