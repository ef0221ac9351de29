import type { KubeObject } from "@tracegate/kube";
import type { PolicyRule } from "./rbac.ts";
import { AUTHENTICATED, MASTERS } from "./user.ts";

const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];
const ALL_GROUPS = ["*"];

const STOCK = { "kubernetes.io/bootstrapping": "rbac-defaults" };

/** What someone may see who must not see secrets, nor who may do what. */
const VIEWED: PolicyRule[] = [
  {
    apiGroups: [""],
    resources: [
      "bindings",
      "configmaps",
      "endpoints",
      "events",
      "limitranges",
      "namespaces",
      "namespaces/status",
      "persistentvolumeclaims",
      "persistentvolumeclaims/status",
      "pods",
      "pods/log",
      "pods/status",
      "replicationcontrollers",
      "replicationcontrollers/scale",
      "replicationcontrollers/status",
      "resourcequotas",
      "resourcequotas/status",
      "serviceaccounts",
      "services",
      "services/status",
    ],
    verbs: READ,
  },
  {
    apiGroups: [
      "apps",
      "autoscaling",
      "batch",
      "discovery.k8s.io",
      "networking.k8s.io",
      "policy",
      "argoproj.io",
      "flagger.app",
      "gateway.networking.k8s.io",
      "tracegate.dev",
    ],
    resources: ["*"],
    verbs: READ,
  },
];

const EDITED: PolicyRule[] = [
  { apiGroups: [""], resources: ["secrets"], verbs: READ },
  {
    apiGroups: [""],
    resources: ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy"],
    verbs: ["get", "create"],
  },
  {
    apiGroups: [""],
    resources: [
      "configmaps",
      "events",
      "persistentvolumeclaims",
      "pods",
      "pods/eviction",
      "replicationcontrollers",
      "replicationcontrollers/scale",
      "secrets",
      "serviceaccounts",
      "services",
    ],
    verbs: WRITE,
  },
  { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
  {
    apiGroups: [
      "apps",
      "autoscaling",
      "batch",
      "networking.k8s.io",
      "policy",
      "argoproj.io",
      "flagger.app",
      "gateway.networking.k8s.io",
      "tracegate.dev",
    ],
    resources: ["*"],
    verbs: WRITE,
  },
];

const ADMINISTERED: PolicyRule[] = [
  {
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["roles", "rolebindings"],
    verbs: [...READ, ...WRITE],
  },
  { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
];

/** The roles and bindings that every cluster begins with. */
export const stockRoles: readonly KubeObject[] = [
  clusterRole("cluster-admin", [
    { apiGroups: ALL_GROUPS, resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] },
  ]),
  clusterRole("admin", [...VIEWED, ...EDITED, ...ADMINISTERED]),
  clusterRole("edit", [...VIEWED, ...EDITED]),
  clusterRole("view", VIEWED),
  clusterRole("system:basic-user", [
    {
      apiGroups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
      verbs: ["create"],
    },
    { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
  ]),
  clusterRole("system:discovery", [
    {
      nonResourceURLs: [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
      ],
      verbs: ["get"],
    },
  ]),
  clusterRole("system:public-info-viewer", [
    { nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"], verbs: ["get"] },
  ]),
  clusterRoleBinding("cluster-admin", [MASTERS]),
  clusterRoleBinding("system:basic-user", [AUTHENTICATED]),
  clusterRoleBinding("system:discovery", [AUTHENTICATED]),
  clusterRoleBinding("system:public-info-viewer", [AUTHENTICATED, "system:unauthenticated"]),
];

function clusterRole(name: string, rules: readonly PolicyRule[]): KubeObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name, labels: { ...STOCK } },
    rules,
  } as KubeObject;
}

function clusterRoleBinding(name: string, groups: readonly string[]): KubeObject {
  const apiGroup = "rbac.authorization.k8s.io";
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name, labels: { ...STOCK } },
    roleRef: { apiGroup, kind: "ClusterRole", name },
    subjects: groups.map((group) => ({ kind: "Group", apiGroup, name: group })),
  } as KubeObject;
}
