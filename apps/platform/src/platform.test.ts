import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Container, Pod } from "@tracegate/kube";
import { eventually, skipWithoutNamespaces, temporaryDirectory } from "@tracegate/kubelet/testing";
import { parseConfiguration } from "./configuration.ts";
import { type Platform, startPlatform } from "./platform.ts";
import { stateDirectory } from "./state-directory.ts";

const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
let platform: Platform;

before(async () => {
  if (skip !== false) return;
  // As a user has it: the state directory lies in the program's own.
  const state = stateDirectory(`${dir.path}/.tracegate`);
  writeFileSync(`${dir.path}/run.sh`, 'eval "$1"\n');
  const configuration = parseConfiguration(
    'images: {"my/own:*": {command: [sh, run.sh], env: {LEVEL: debug}}}',
    `${dir.path}/tracegate.yaml`,
  );
  platform = await startPlatform({ state, ports: "free", configuration, announce: () => {} });
});
after(async () => {
  await platform?.stop();
  dir[Symbol.dispose]();
});

/** Runs a shell script in a pod of its own to its end; what it left as its termination message. */
function runScript(name: string, script: string, container: Partial<Container> = {}, spec = {}) {
  const command = ["sh", "-c", `{ ${script}\n} > /dev/termination-log 2>&1`];
  return run(name, { name: "c", image: "curlimages/curl:8.11.1", command, ...container }, spec);
}

/** Runs a container in a pod of its own to its end; what it left as its termination message. */
async function run(name: string, container: Container, spec = {}) {
  const ref = { namespace: "default", name };
  await platform.client.create(Pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: ref,
    spec: {
      restartPolicy: "Never",
      containers: [container],
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
      serviceAccountName: "default",
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

test("an own image runs with its tag and environment in its directory, which is read-only and without the state", {
  skip,
}, async () => {
  const script =
    "{ touch x || ls -A .tracegate; cat ../.tracegate/kubeconfig; ls; } > /dev/termination-log 2>&1";
  const message = await run("own", {
    name: "c",
    image: "my/own:1.2",
    args: [`echo "$TRACEGATE_TAG $LEVEL $PWD" > /tmp/x; ${script}; cat /tmp/x >> /dev/termination-log`],
  });
  assert.match(
    message,
    /^touch: cannot touch 'x': Read-only file system\ncat: .*No such file or directory\nrun.sh\n1.2 debug \/app\n$/,
  );
});
