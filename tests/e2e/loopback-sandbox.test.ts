import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { leftBehind } from "../support/processes.ts";
import { missingTools } from "../support/tools.ts";
import { finish, type Run, root, start, temporaryState } from "../support/tracegate.ts";

// A network whose loopback is 127.0.0.1 and nothing else, as macOS has it: what would use another address fails.
const network = `
ip link set lo up
ip address delete 127.0.0.1/8 dev lo
ip address add 127.0.0.1/32 dev lo
exec "$@"`;

const inNetwork = (cwd: string, ...command: string[]): Run =>
  start("unshare", ["--user", "--map-root-user", "--net", "sh", "-ec", network, "sh", ...command], {}, cwd);
const tracegate = (...args: string[]): string[] => [
  process.execPath,
  join(root, "apps/cli/bin/tracegate.js"),
  ...args,
];

test("the main job runs where 127.0.0.1 is the only address", {
  skip: missingTools("git", "curl", "unshare", "ip"),
}, async (t) => {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const state = join(temporary.path, "s");
  const demo = inNetwork(
    root,
    ...tracegate("demo", "--sandbox", "plain", "--timing", "test"),
    ...["--exit", "--ports", "free", "--state", state],
  );
  await demo.seen(/is healthy and serves the traffic/);
  const addresses = addressesIn(demo.process.pid ?? 0);
  assert.ok(addresses.length > 20, "there is traffic");
  assert.deepEqual([...new Set(addresses)].toSorted(), ["0.0.0.0", "127.0.0.1"]);
  const { code, output } = await finish(demo);
  assert.equal(code, 0, output);
  assert.match(output, /Plain sandbox: .* share the ports of 127\.0\.0\.1/);
  assert.match(output, /GO +hotrod\/hotrod revision 2/);
  assert.deepEqual(leftBehind(temporary.path), []);
});

/** Both ends of all TCP sockets of a process's network; `0.0.0.0` is the other end of those that listen. */
function addressesIn(pid: number): string[] {
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .slice(1, -1)
      .flatMap((line) => line.trim().split(/\s+/).slice(1, 3))
      .map((end) => {
        const octets = end.slice(0, end.indexOf(":")).match(/../g) ?? [];
        return octets
          .map((octet) => Number.parseInt(octet, 16))
          .toReversed()
          .join(".");
      }),
  );
}

// A server that Tracegate does not look into: without NODE_OPTIONS it is as any program not written for Node.
const server = `#!/bin/sh
unset NODE_OPTIONS
exec ${JSON.stringify(process.execPath)} -e '
const { PORT, POD_IP, HOSTNAME } = process.env;
require("node:http").createServer((request, response) => response.end(HOSTNAME + "\\n")).listen(PORT, POD_IP);'
`;

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: own}
spec:
  replicas: 4
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec:
      containers:
        - name: own
          image: local/own:1
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: own}
spec: {type: NodePort, selector: {app: own}, ports: [{port: 80, targetPort: 8080, nodePort: 30222}]}
`;

test(
  "four replicas of an own program that is not written for Node serve there, behind one Service",
  {
    skip: missingTools("git", "curl", "unshare", "ip", "kubectl"),
  },
  (t) => ownProgram(t),
);

async function ownProgram(t: TestContext): Promise<void> {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const state = join(temporary.path, "s");
  mkdirSync(temporary.path, { recursive: true });
  const at = (name: string) => join(temporary.path, name);
  writeFileSync(at("server"), server, { mode: 0o755 });
  writeFileSync(at("manifest.yaml"), manifest);
  writeFileSync(at("tracegate.yaml"), 'images: {"local/own:*": {command: ["./server"]}}\n');
  // One shell in the network: the platform, and kubectl and curl against it.
  const script = `
    "$@" & platform=$!
    until [ -s ${state}/kubeconfig ] && kubectl get namespaces >/dev/null 2>&1; do sleep 0.2; done
    kubectl apply -f manifest.yaml
    kubectl rollout status deployment/own --timeout=60s
    kubectl get pods -o 'jsonpath={range .items[*]}address {.status.podIP}{"\\n"}{end}'
    until [ "$(curl -s http://127.0.0.1:30222/)" ]; do sleep 0.2; done
    for i in 1 2 3 4; do echo "answer $(curl -s http://127.0.0.1:30222/)"; done
    kill -INT $platform
    wait $platform`;
  const { output } = await finish(
    inNetwork(
      temporary.path,
      ...["env", `KUBECONFIG=${state}/kubeconfig`, "sh", "-c", script, "sh"],
      ...tracegate("up", "--sandbox", "plain", "--ports", "free", "--state", state),
    ),
  );
  const found = (what: string) =>
    new Set([...output.matchAll(new RegExp(`^${what} (\\S+)$`, "gm"))].map(([, it]) => it));
  assert.match(output, /share the ports of 127\.0\.0\.1/);
  assert.equal(found("answer").size, 4, output);
  assert.equal([...found("address")].filter((ip) => ip?.startsWith("10.244.")).length, 4, output);
  assert.deepEqual(leftBehind(temporary.path), []);
}
