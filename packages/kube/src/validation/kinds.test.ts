import assert from "node:assert/strict";
import { test } from "node:test";
import { withBuiltInDefaults } from "../defaults/built-in-defaults.ts";
import type { JsonObject } from "../json.ts";
import { builtInType } from "../schema/built-in-types.ts";
import { decodeTyped } from "../schema/typed-object.ts";
import { builtInErrors } from "./built-in.ts";
import { fieldErrorText } from "./field-error.ts";

/** The complaints about an object of a kind, or about an update to it. */
function complaints(apiVersion: string, kind: string, content: JsonObject, before?: JsonObject): string[] {
  const type = builtInType(apiVersion, kind);
  assert.ok(type !== undefined);
  const complete = (body: JsonObject): JsonObject => {
    const metadata = { name: "x", ...(CLUSTER.has(kind) ? {} : { namespace: "default" }) };
    const object = decodeTyped(type, { apiVersion, kind, metadata, ...body }).object;
    return withBuiltInDefaults(type, object as JsonObject) as JsonObject;
  };
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const update = before === undefined ? undefined : { before: complete(before) };
  const named = { group, kind, namespaced: !CLUSTER.has(kind) };
  return builtInErrors(named, complete(content), update).map(fieldErrorText);
}

const CLUSTER = new Set(["PriorityClass", "StorageClass", "PersistentVolume"]);
const cases: readonly (readonly [what: string, apiVersion: string, kind: string, JsonObject, string[]])[] = [
  [
    "a quota counts only standard resources, in whole numbers",
    "v1",
    "ResourceQuota",
    { spec: { hard: { pods: "1500m", gold: "1", "requests.cpu": "-1" } } },
    [
      'spec.hard[gold]: Invalid value: "gold": must be a standard resource type or fully qualified',
      'spec.hard[gold]: Invalid value: "gold": must be a standard resource for quota',
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.hard[requests.cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  ],
  [
    "scopes fit their resources and each other",
    "v1",
    "ResourceQuota",
    { spec: { hard: { pods: "1", secrets: "1" }, scopes: ["BestEffort", "NotBestEffort"] } },
    [
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
    ],
  ],
  [
    "limits are in order",
    "v1",
    "LimitRange",
    { spec: { limits: [{ type: "Container", min: { cpu: "2" }, max: { cpu: "1" } }] } },
    [
      // The upper limit is the default for what is not said.
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
    ],
  ],
  [
    "pods have no default limits, and types come once",
    "v1",
    "LimitRange",
    { spec: { limits: [{ type: "Pod", default: { cpu: "1" } }, { type: "Pod" }, { type: "Cup" }] } },
    [
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
      'spec.limits[1].type: Duplicate value: "Pod"',
      'spec.limits[2].type: Invalid value: "Cup": must be a standard limit type or fully qualified',
    ],
  ],
  [
    "a claim says how it is used, and how much it wants",
    "v1",
    "PersistentVolumeClaim",
    { spec: { resources: { requests: { storage: "0" } }, volumeMode: "Tape" } },
    [
      "spec.accessModes: Required value: at least 1 access mode is required",
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ],
  ],
  [
    "a volume has one source and a capacity",
    "v1",
    "PersistentVolume",
    { spec: { accessModes: ["Sometimes"], persistentVolumeReclaimPolicy: "Burn" } },
    [
      'spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      "spec.capacity: Required value",
      'spec.capacity: Unsupported value: null: supported values: "storage"',
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"',
      "spec: Required value: must specify a volume type",
    ],
  ],
  [
    "a storage class has a provisioner",
    "storage.k8s.io/v1",
    "StorageClass",
    { reclaimPolicy: "Recycle", volumeBindingMode: "Later" },
    [
      "provisioner: Required value",
      'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  ],
  [
    "users' priorities end below the system's",
    "scheduling.k8s.io/v1",
    "PriorityClass",
    { value: 1_000_000_001, preemptionPolicy: "Always" },
    [
      "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
      'preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"',
    ],
  ],
  [
    "a budget is a number or a percentage up to 100",
    "policy/v1",
    "PodDisruptionBudget",
    { spec: { minAvailable: "101%", unhealthyPodEvictionPolicy: "Never" } },
    [
      'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
  ],
  [
    "an autoscaler's target has a group, its metric a target",
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    {
      spec: {
        minReplicas: 0,
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: "v1", kind: "Deployment", name: "x" },
        metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } }],
        behavior: { scaleUp: { stabilizationWindowSeconds: 4000 } },
      },
    },
    [
      "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
      'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
      "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas",
      "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
      "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600",
    ],
  ],
  [
    "a metric fills the field of its type, and no other",
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    {
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" },
        metrics: [{ type: "Pods" }, { type: "Moon" }],
      },
    },
    [
      "spec.metrics[0].pods: Required value: must populate information for the given metric source",
      'spec.metrics[1].type: Unsupported value: "Moon": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      'spec.metrics[1].type: Unsupported value: "Moon": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
  ],
  [
    "blocks of addresses are blocks, exceptions lie in them",
    "networking.k8s.io/v1",
    "NetworkPolicy",
    {
      spec: {
        podSelector: {},
        ingress: [
          {
            ports: [{ port: 80, endPort: 70 }, { endPort: 3 }, { port: "web", endPort: 3 }],
            from: [
              { ipBlock: { cidr: "10.0.0.0" } },
              { ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16", "10.1.0.0/16"] }, podSelector: {} },
            ],
          },
        ],
        policyTypes: ["Ingress", "Sideways"],
      },
    },
    [
      "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
      "spec.ingress[0].ports[1].endPort: Invalid value: 3: may not be specified when `port` is not specified",
      "spec.ingress[0].ports[2].endPort: Invalid value: 3: may not be specified when `port` is non-numeric",
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      'spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      "spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer",
      'spec.policyTypes[1]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"',
    ],
  ],
  [
    "an endpoint's address can be sent to",
    "v1",
    "Endpoints",
    { subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 0 }] }, {}] },
    [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      "subsets[1]: Required value: must specify `addresses` or `notReadyAddresses`",
    ],
  ],
  [
    "a slice's addresses are of its type",
    "discovery.k8s.io/v1",
    "EndpointSlice",
    { addressType: "IPv4", endpoints: [{ addresses: ["::2"] }, { addresses: [] }], ports: [{}, {}] },
    [
      'ports[1].name: Duplicate value: ""',
      'endpoints[0].addresses: Invalid value: "::2": must be an IPv4 address',
      "endpoints[1].addresses: Required value: must contain at least 1 address",
    ],
  ],
  [
    "an event is about an object of its namespace",
    "v1",
    "Event",
    { involvedObject: { kind: "Pod", namespace: "other", name: "p" } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  [
    "a service that is not reached from outside has no policy for it",
    "v1",
    "Service",
    {
      spec: {
        ports: [{ port: 80 }],
        externalTrafficPolicy: "Local",
        loadBalancerClass: "a/b",
        trafficDistribution: "Far",
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 90_000 } },
        clusterIP: "nowhere",
        clusterIPs: ["nowhere"],
      },
    },
    [
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400",
      'spec.clusterIPs[0]: Invalid value: "nowhere": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
      'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  ],
];

for (const [what, apiVersion, kind, content, expected] of cases) {
  test(`${kind}: ${what}`, () => {
    assert.deepEqual(complaints(apiVersion, kind, content).toSorted(), expected.toSorted());
  });
}

test("what is fixed once made is refused when it changes", () => {
  const claim = (storage: string, phase: string) => ({
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
    status: { phase },
  });
  assert.deepEqual(
    complaints("v1", "PersistentVolumeClaim", claim("2Gi", "Bound"), claim("1Gi", "Bound")),
    [],
  );
  assert.match(
    complaints("v1", "PersistentVolumeClaim", claim("2Gi", "Pending"), claim("1Gi", "Pending"))[0] ?? "",
    /^spec: Forbidden: spec is immutable after creation except resources.requests/,
  );
  assert.deepEqual(complaints("scheduling.k8s.io/v1", "PriorityClass", { value: 1 }, { value: 2 }), [
    "value: Forbidden: may not be changed in an update.",
  ]);
  const provisioner = (name: string) => ({ provisioner: name });
  assert.deepEqual(
    complaints("storage.k8s.io/v1", "StorageClass", provisioner("a.b/c"), provisioner("a.b/d")),
    ["provisioner: Forbidden: updates to provisioner are forbidden."],
  );
  const service = (ip: string) => ({ spec: { ports: [{ port: 1 }], clusterIP: ip, clusterIPs: [ip] } });
  assert.deepEqual(complaints("v1", "Service", service("10.96.0.9"), service("10.96.0.8")), [
    'spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set',
  ]);
});
