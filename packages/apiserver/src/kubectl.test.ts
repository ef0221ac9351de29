import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { after, before, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import { Deployment, Pod, type ResourceClient, StatusError } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { openPki } from "./auth/certificates.ts";
import { writeKubeconfig } from "./auth/kubeconfig.ts";
import { createApi } from "./core/api.ts";
import { embeddedClient } from "./embedded-client.ts";
import { type ApiServer, apiServerHosts, startApiServer } from "./http/api-server.ts";
import type { PodAccess } from "./pods/pod-access.ts";

/** The real kubectl against the real server, over TLS with a client certificate. */

const missing = kubectlMissing();
if (missing && process.env["CI"] === "true") throw new Error("kubectl is needed on PATH where CI=true");
const options = missing ? { skip: "kubectl is not on PATH: these tests prove nothing here" } : {};

const folder = mkdtempSync(join(tmpdir(), "kubectl-"));
const config = join(folder, "kubeconfig");
let server: ApiServer;
let client: ResourceClient;

before(async () => {
  const api = createApi({ store: memoryStore(), clock: wallClock });
  client = embeddedClient(api);
  const pki = await openPki(join(folder, "pki"), apiServerHosts(), Date.now());
  server = await startApiServer({ api, port: 0, pki });
  writeKubeconfig(config, {
    server: server.url,
    authority: pki.authority,
    user: { name: "admin", clientCertificate: pki.admin },
  });
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function kubectlMissing(): boolean {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}

const env = { ...process.env, KUBECONFIG: config, HOME: folder };

function run(
  args: readonly string[],
  input?: string,
  more: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      "kubectl",
      args,
      { env: { ...env, ...more }, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, out, err });
      },
    );
    child.stdin?.on("error", () => {}); // a command may end without reading
    child.stdin?.end(input ?? "");
  });
}

async function kubectl(line: string, input?: string): Promise<string> {
  const { code, out, err } = await run(line.split(" "), input);
  assert.equal(code, 0, `kubectl ${line}: ${err}`);
  return out;
}

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`;

test("the kubeconfig is for its owner's eyes only", options, () => {
  assert.equal(statSync(config).mode & 0o777, 0o600);
});

test("version and api-resources", options, async () => {
  assert.match(await kubectl("version"), /Server Version: v1\.34/);
  const resources = await kubectl("api-resources");
  assert.match(resources, /^deployments +deploy +apps\/v1 +true +Deployment$/m);
});

test("apply creates, then changes nothing, then patches", options, async () => {
  assert.equal(await kubectl("apply -f -", web), "deployment.apps/web created\n");
  assert.equal(await kubectl("apply -f -", web), "deployment.apps/web unchanged\n");
  assert.equal(
    await kubectl("apply -f -", web.replace("web:1", "web:2")),
    "deployment.apps/web configured\n",
  );
  assert.equal(
    await kubectl("get deploy web -o jsonpath={.spec.template.spec.containers[0].image}"),
    "web:2",
  );
  assert.equal(
    await kubectl("apply --server-side --force-conflicts -f -", web),
    "deployment.apps/web serverside-applied\n",
  );
});

test("get as table, wide, JSON, YAML, name and by label", options, async () => {
  assert.match(await kubectl("get deployments"), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2 /);
  assert.match(await kubectl("get deployments -o wide"), /CONTAINERS +IMAGES +SELECTOR/);
  assert.equal(JSON.parse(await kubectl("get deploy web -o json")).kind, "Deployment");
  assert.match(await kubectl("get deploy web -o yaml"), /^kind: Deployment$/m);
  assert.equal(await kubectl("get deploy -o name"), "deployment.apps/web\n");
  assert.match((await run(["get", "pods", "-l", "app=none"])).err, /No resources found in default namespace/);
  assert.match(await kubectl("get all -A"), /service\/kubernetes/);
});

test("label, annotate, scale, patch, set image, describe", options, async () => {
  await kubectl("label deploy web tier=front");
  await kubectl("annotate deploy web note=hello");
  assert.equal(await kubectl("scale deploy web --replicas=3"), "deployment.apps/web scaled\n");
  await kubectl('patch deploy web -p {"spec":{"paused":true}}');
  await kubectl('patch deploy web --type=merge -p {"spec":{"paused":false}}');
  await kubectl("set image deploy/web web=web:3");
  assert.equal(await kubectl("get deploy web -o jsonpath={.spec.replicas}"), "3");
  const described = await kubectl("describe deploy web");
  assert.match(described, /Labels: +tier=front/);
  assert.match(described, /Image: +web:3/);
});

test("rollout status and wait end when the status says so", options, async () => {
  const rollout = kubectl("rollout status deploy/web --timeout=30s");
  const wait = kubectl("wait --for=condition=Available deploy/web --timeout=30s");
  const current = await client.get(Deployment, { namespace: "default", name: "web" });
  const replicas = current.spec.replicas ?? 1;
  await client.update(
    Deployment,
    {
      ...current,
      status: {
        observedGeneration: current.metadata.generation ?? 1,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
        conditions: [{ type: "Available", status: "True" }],
      },
    },
    { subresource: "status" },
  );
  assert.match(await rollout, /successfully rolled out/);
  assert.equal(await wait, "deployment.apps/web condition met\n");
});

test("create subcommands send protobuf", options, async () => {
  assert.equal(await kubectl("create namespace team"), "namespace/team created\n");
  assert.equal(
    await kubectl("create configmap settings --from-literal=a=1 -n team"),
    "configmap/settings created\n",
  );
  assert.equal(await kubectl("create secret generic key --from-literal=a=b -n team"), "secret/key created\n");
  assert.equal(await kubectl("create deployment api --image=api:1 -n team"), "deployment.apps/api created\n");
  assert.equal(await kubectl("create service clusterip api --tcp=80:8080 -n team"), "service/api created\n");
  assert.equal(await kubectl("get cm settings -n team -o jsonpath={.data.a}"), "1");
  assert.equal(await kubectl("get secret key -n team -o jsonpath={.data.a}"), "Yg==");
  assert.match(await kubectl("auth can-i delete pods"), /^yes/);
  assert.match(await kubectl("auth whoami"), /kubernetes-admin/);
});

test("a watch shows what comes", options, async () => {
  const child = spawn("kubectl", ["get", "configmaps", "--watch-only", "-o", "name"], { env });
  const lines = createInterface({ input: child.stdout });
  try {
    const seen = (async () => {
      for await (const line of lines) return line;
      return "";
    })();
    // Until the watch is under way, what is made goes unseen; so it is made again and again.
    let done = false;
    const made = (async () => {
      for (let i = 0; !done && i < 100; i++) await kubectl(`create configmap seen-${i}`);
    })();
    assert.match(await seen, /^configmap\/seen-\d+$/);
    done = true;
    await made;
  } finally {
    child.kill();
  }
});

test("diff shows what would change, and changes nothing", options, async () => {
  const { code, out } = await run(["diff", "-f", "-"], web.replace("web:1", "web:9"));
  assert.equal(code, 1);
  assert.match(out, /^\+ +- image: web:9$/m);
  assert.notEqual(
    await kubectl("get deploy web -o jsonpath={.spec.template.spec.containers[0].image}"),
    "web:9",
  );
});

test("edit sends what the editor left", options, async () => {
  const edited = await run(["edit", "deploy", "web"], undefined, {
    KUBE_EDITOR: "sed -i 's/revisionHistoryLimit: 10/revisionHistoryLimit: 4/'",
  });
  assert.equal(edited.out, "deployment.apps/web edited\n", edited.err);
  assert.equal(await kubectl("get deploy web -o jsonpath={.spec.revisionHistoryLimit}"), "4");
});

test("rollout restart, pause and resume change the template and the spec", options, async () => {
  assert.equal(await kubectl("rollout restart deploy/web"), "deployment.apps/web restarted\n");
  assert.match(
    await kubectl("get deploy web -o jsonpath={.spec.template.metadata.annotations}"),
    /kubectl\.kubernetes\.io\/restartedAt/,
  );
  assert.equal(await kubectl("rollout pause deploy/web"), "deployment.apps/web paused\n");
  assert.equal(await kubectl("get deploy web -o jsonpath={.spec.paused}"), "true");
  assert.equal(await kubectl("rollout resume deploy/web"), "deployment.apps/web resumed\n");
});

test("expose and autoscale make what goes with a Deployment", options, async () => {
  assert.equal(await kubectl("expose deploy web --port=80 --target-port=8080"), "service/web exposed\n");
  assert.equal(await kubectl("get svc web -o jsonpath={.spec.selector.app}"), "web");
  await kubectl("autoscale deploy web --min=1 --max=3 --cpu-percent=50");
  assert.match(await kubectl("get hpa web"), /Deployment\/web +cpu: <unknown>\/50% +1 +3 +0/);
});

test("a List is created whole; --all deletes, and wait sees it go", options, async () => {
  const item = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  const list = { apiVersion: "v1", kind: "List", items: [item("l1"), item("l2")] };
  await kubectl("create namespace listed");
  assert.equal(
    await kubectl("create -n listed -f -", JSON.stringify(list)),
    "configmap/l1 created\nconfigmap/l2 created\n",
  );
  const wait = kubectl("wait --for=delete cm/l1 -n listed --timeout=30s");
  assert.match(await kubectl("delete cm --all -n listed"), /configmap "l1" deleted/);
  await wait;
});

test("raw paths, whole schemas, and what is not served", options, async () => {
  assert.equal(await kubectl("get --raw /readyz"), "ok");
  assert.match(await kubectl("explain deployment --recursive"), /minReadySeconds\t<integer>/);
  assert.match(await kubectl("get ingressclasses,rc -A"), /^$/);
  const { code, err } = await run(["top", "pods"]);
  assert.equal(code, 1);
  assert.match(err, /Metrics API not available/);
});

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, maximum: 10}}}
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
`;

test("custom resources are like built-in ones", options, async () => {
  await kubectl("apply -f -", widgets);
  await kubectl("wait --for=condition=Established crd/widgets.example.org --timeout=30s");
  const widget = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 3}\n";
  assert.equal(await kubectl("apply -f -", widget), "widget.example.org/w created\n");
  assert.equal(
    await kubectl("apply -f -", widget.replace("size: 3", "size: 4")),
    "widget.example.org/w configured\n",
  );
  assert.match(await kubectl("get wd"), /^NAME +SIZE\nw +4$/m);
  const refused = await run(["apply", "-f", "-"], widget.replace("size: 3", "size: 30"));
  assert.match(refused.err, /spec\.size: Invalid value: 30/);
  assert.match(await kubectl("explain widget.spec"), /size\t<integer>/);
  assert.match(await kubectl("explain deployment.spec.replicas"), /FIELD: replicas <integer>/);
  assert.match(await kubectl("describe widget w"), /Size: +4/);
});

const echo: PodAccess = {
  async logs({ tailLines }) {
    return Readable.from([Buffer.from(`the last ${tailLines ?? "of all"} lines\n`)]);
  },
  async exec({ command, container }) {
    if (command[0] === "nosuch") throw new Error("no such program");
    if (container === "other") {
      const message = "container other is not valid for pod talker";
      throw new StatusError({ code: 400, reason: "BadRequest", message });
    }
    const stdin = new PassThrough();
    const stdout = Readable.from([Buffer.from(`ran ${command.join(" ")}\n`)]);
    return { stdin, stdout, stderr: Readable.from([]), exitCode: Promise.resolve(3), resize() {}, kill() {} };
  },
  async attach() {
    const stdin = new PassThrough();
    return {
      stdin,
      stdout: stdin,
      stderr: Readable.from([]),
      exitCode: once(stdin, "end").then(() => 0),
      resize() {},
      kill() {},
    };
  },
  async portForward({ port }) {
    if (port !== 80) throw new Error("connection refused");
    return new PassThrough();
  },
};

test("logs and exec reach the pod", options, async () => {
  server.usePodAccess(echo);
  await kubectl("run talker --image=talker:1");
  assert.equal(await kubectl("logs talker --tail=5"), "the last 5 lines\n");
  const { code, out } = await run(["exec", "talker", "--", "date", "-u"]);
  assert.equal(out, "ran date -u\n");
  assert.equal(code, 3);
});

for (const websockets of ["true", "false"]) {
  const over = websockets === "true" ? "a WebSocket" : "SPDY itself";
  const wire = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets };
  test(`input, output and exit code of a command go over ${over}`, options, async () => {
    const long = "x".repeat(3_000_000);
    const { code, out } = await run(["exec", "-i", "talker", "--", "cat"], long, wire);
    assert.deepEqual([code, out.length], [3, "ran cat\n".length]);
    const attached = await run(["attach", "-i", "talker"], long, wire);
    assert.equal(attached.code, 0, attached.err);
    assert.equal(attached.out, long);
  });

  test(`why a command cannot run is told over ${over}, and a wrong request is refused`, options, async () => {
    const broken = await run(["exec", "talker", "--", "nosuch"], "", wire);
    assert.deepEqual([broken.code, broken.err], [1, "error: Internal error occurred: no such program\n"]);
    const refused = await run(["exec", "talker", "-c", "other", "--", "true"], "", wire);
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /^Error from server \(BadRequest\): container other is not valid for pod talker/,
    );
  });

  test(`port-forward carries bytes both ways over ${over}`, options, () => portForward(websockets));
}

async function portForward(websockets: string): Promise<void> {
  await client.patch(
    Pod,
    { namespace: "default", name: "talker" },
    { type: "merge", body: { status: { phase: "Running" } } },
    { subresource: "status" },
  );
  const child = spawn("kubectl", ["port-forward", "pod/talker", ":80"], {
    env: { ...env, KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets },
  });
  try {
    const lines = createInterface({ input: child.stdout });
    const [line] = (await once(lines, "line")) as [string];
    const port = Number(/127\.0\.0\.1:(\d+) -> 80/.exec(line)?.[1]);
    for (const text of ["one", "two".repeat(100_000)]) {
      const socket = connect(port, "127.0.0.1");
      socket.end(text);
      let echoed = "";
      for await (const chunk of socket.setEncoding("utf8")) echoed += chunk;
      assert.equal(echoed, text);
    }
  } finally {
    child.kill();
  }
}

test("delete waits until the object is gone", options, async () => {
  assert.match(
    await kubectl("delete deploy web"),
    /^deployment\.apps "web" deleted(?: from default namespace)?\n$/,
  );
  assert.equal(await kubectl("run once --image=once:1 --restart=Never"), "pod/once created\n");
  await client.get(Pod, { namespace: "default", name: "once" });
  await kubectl("delete pod once --now");
  const { code, err } = await run(["get", "deploy", "web"]);
  assert.equal(code, 1);
  assert.equal(err, 'Error from server (NotFound): deployments.apps "web" not found\n');
});
