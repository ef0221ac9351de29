import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { defineKind, type KubeObject } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { createApi } from "../core/api.ts";
import { embeddedClient } from "../embedded-client.ts";
import { type ApiServer, startApiServer } from "../http/api-server.ts";

const RBAC = "rbac.authorization.k8s.io";
const apiVersion = `${RBAC}/v1`;
const ClusterRole = defineKind<KubeObject & { rules: object[] }>(apiVersion, "ClusterRole", "clusterroles", {
  namespaced: false,
});
const ClusterRoleBinding = defineKind<KubeObject & { roleRef: object; subjects: object[] }>(
  apiVersion,
  "ClusterRoleBinding",
  "clusterrolebindings",
  { namespaced: false },
);

let server: ApiServer;
before(async () => {
  const api = createApi({ store: memoryStore(), clock: wallClock });
  const client = embeddedClient(api);
  const grant = async (name: string, user: string, rules: object[]) => {
    await client.create(ClusterRole, { apiVersion, kind: "ClusterRole", metadata: { name }, rules });
    await client.create(ClusterRoleBinding, {
      ...{ apiVersion, kind: "ClusterRoleBinding" },
      metadata: { name },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name },
      subjects: [{ apiGroup: RBAC, kind: "User", name: user }],
    });
  };
  await grant("may-act-as-jane", "boss", [
    { apiGroups: [""], resources: ["users"], resourceNames: ["jane"], verbs: ["impersonate"] },
  ]);
  await grant("reads-settings", "jane", [
    { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] },
  ]);
  server = await startApiServer({
    api,
    port: 0,
    tokens: [
      { token: "admin", user: { name: "admin", groups: ["system:masters"] } },
      { token: "boss", user: { name: "boss", groups: [] } },
    ],
  });
});
after(() => server.close());

const get = async (token: string, path: string, headers: Record<string, string>) => {
  const answer = await fetch(`${server.url}${path}`, {
    headers: { Authorization: `Bearer ${token}`, ...headers },
  });
  const { message = "" } = (await answer.json()) as { message?: string };
  return `${answer.status} ${message}`.trim();
};
const settings = "/api/v1/namespaces/default/configmaps";
const secrets = "/api/v1/namespaces/default/secrets";

test("who acts as another may what that one may, and no more", async () => {
  const asJane = { "Impersonate-User": "jane" };
  assert.equal(await get("admin", settings, asJane), "200");
  assert.match(await get("admin", secrets, asJane), /^403 .*User "jane" cannot list resource "secrets"/);
  assert.equal(await get("boss", settings, asJane), "200");
  assert.match(await get("boss", settings, {}), /^403 .*User "boss" cannot list/);
});

test("acting as somebody has to be allowed, user and groups each", async () => {
  assert.equal(
    await get("boss", settings, { "Impersonate-User": "joe" }),
    '403 users "joe" is forbidden: User "boss" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
  const asMaster = { "Impersonate-User": "jane", "Impersonate-Group": "system:masters" };
  assert.match(await get("boss", settings, asMaster), /^403 groups "system:masters" is forbidden/);
  assert.match(await get("admin", settings, { "Impersonate-Group": "a" }), /^400 .*without a user/);
});

test("a service account is in its groups; everybody is told who they count as", async () => {
  const review = await fetch(`${server.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`, {
    method: "POST",
    headers: {
      Authorization: "Bearer admin",
      "Content-Type": "application/json",
      "Impersonate-User": "system:serviceaccount:lab:robot",
    },
    body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }),
  });
  const { status } = (await review.json()) as {
    status: { userInfo: { username: string; groups: string[] } };
  };
  assert.deepEqual(status.userInfo, {
    username: "system:serviceaccount:lab:robot",
    groups: ["system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated"],
  });
});
