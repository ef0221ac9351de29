import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Container, Pod } from "@tracegate/kube";
import { eventually, skipWithoutNamespaces, temporaryDirectory } from "@tracegate/kubelet/testing";
import { type Platform, startPlatform } from "./platform.ts";
import { stateDirectory } from "./state-directory.ts";

const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
let platform: Platform;

before(async () => {
  if (skip !== false) return;
  const state = stateDirectory(`${dir.path}/state`);
  platform = await startPlatform({ state, ports: "free", announce: () => {} });
});
after(async () => {
  await platform?.stop();
  dir[Symbol.dispose]();
});

/** Runs a shell script in a pod of its own to its end; what it left as its termination message. */
async function runScript(name: string, script: string, container: Partial<Container> = {}, spec = {}) {
  const ref = { namespace: "default", name };
  await platform.client.create(Pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: ref,
    spec: {
      restartPolicy: "Never",
      containers: [
        {
          name: "c",
          image: "curlimages/curl:8.11.1",
          command: ["sh", "-c", `{ ${script}\n} > /dev/termination-log 2>&1`],
          ...container,
        },
      ],
      ...spec,
    },
  });
  return eventually(`pod ${name} has ended`, async () => {
    const pod = await platform.client.get(Pod, ref);
    return pod.status?.containerStatuses?.[0]?.state?.terminated?.message;
  });
}

test("a pod reaches the API as kubernetes.default.svc, with its service account's token", {
  skip,
}, async () => {
  const message = await runScript(
    "asker",
    'curl -sS --retry 20 --retry-all-errors --retry-delay 1 --cacert /account/ca.crt -H "Authorization: Bearer $(cat /account/token)" https://kubernetes.default.svc/api/v1/namespaces/default/secrets',
    { volumeMounts: [{ name: "account", mountPath: "/account" }] },
    {
      volumes: [
        {
          name: "account",
          projected: {
            sources: [
              { serviceAccountToken: { path: "token" } },
              { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
            ],
          },
        },
      ],
    },
  );
  assert.match(message, /\\?"system:serviceaccount:default:default\\?" cannot list resource \\?"secrets/);
});
