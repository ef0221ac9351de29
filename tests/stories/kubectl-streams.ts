import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Kubectl, kubectlOf, kubectls } from "../support/kubectl.ts";
import { missingTools } from "../support/tools.ts";
import { type Run, temporaryState, tracegate } from "../support/tracegate.ts";

const curl = "--image=curlimages/curl:8.11.1";

type Sandbox = "namespaced" | "plain";

/** Two podinfos behind a Service with a named port, and a pod of several containers. */
const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: stefanprodan/podinfo:6.8.0
          ports: [{name: http, containerPort: 9898}]
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: several, labels: {app: several}}
spec:
  containers:
    - {name: first, image: "curlimages/curl:8.11.1", command: [sh, -c, "echo first says; exec sleep 1000"]}
    - {name: second, image: "curlimages/curl:8.11.1", command: [sh, -c, "echo second says; exec sleep 1000"]}
    - name: ends
      image: curlimages/curl:8.11.1
      command: [sh, -c, "echo ends says; sleep 1; echo and fails; exit 3"]
    - {name: hidden, image: "stefanprodan/podinfo:6.8.0", args: ["--host=127.0.0.1"]}
`;

/** What people do to pods by hand, with each kubectl, on a platform of one sandbox. */
export function kubectlStreams(sandbox: Sandbox, ...tools: string[]): void {
  const skip = missingTools("git", "curl", "script", "kubectl", ...tools);
  describe(`kubectl on pods of the ${sandbox} sandbox`, { skip }, () => {
    const temporary = temporaryState();
    const state = join(temporary.path, "s");
    let platform: Run;
    before(async () => {
      platform = tracegate(
        ...["up", "--sandbox", sandbox, "--allow-host-commands", "--ports", "free", "--state", state],
      );
      await platform.seen(/Serving until Ctrl-C/);
      const file = join(temporary.path, "web.yaml");
      writeFileSync(file, manifest);
      const { run } = kubectlOf("kubectl", state);
      run("apply", "-f", file);
      run("rollout", "status", "deployment/web", "--timeout=60s");
      run("wait", "pod/several", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1");
    });
    after(async () => {
      platform.process.kill("SIGINT");
      await platform.ended;
      temporary.remove();
    });
    for (const { name, program } of kubectls()) {
      describe(name, () => stories(kubectlOf(program, state), sandbox, temporary.path));
    }
  });
}

function stories(kubectl: Kubectl, sandbox: Sandbox, directory: string): void {
  const { run } = kubectl;
  const podOf = () => run("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}");
  const isGone = (pod: string) => assert.match(kubectl.try(["get", "pod", pod]).err, /not found/);

  test("port-forward svc/NAME finds the named port of a pod, for many connections at once", async () => {
    const forward = kubectl.following("port-forward", "svc/web", ":80");
    const [, port] = await forward.seen(/Forwarding from 127\.0\.0\.1:(\d+) -> 9898/);
    const get = async () => (await fetch(`http://127.0.0.1:${port}/version`)).status;
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 25 }, get))), new Set([200]));
    const body = randomBytes(400_000).toString("hex");
    const echoed = await fetch(`http://127.0.0.1:${port}/echo`, { method: "POST", body });
    assert.equal(hash(await echoed.text()), hash(body), "what is sent comes back whole");
    forward.process.kill("SIGINT");
    assert.equal((await forward.ended).code, 0);
  });

  test("port-forward takes deployments, replica sets and pods, several ports and addresses", async () => {
    const pod = podOf();
    const replicaSet = run("get", "replicasets", "-l", "app=web", "-o", "name").trim().split("\n")[0] ?? "";
    for (const target of ["deployment/web", replicaSet, `pod/${pod}`, pod]) {
      const forward = kubectl.following(
        "port-forward",
        target,
        ":9898",
        ":9999",
        "--address=127.0.0.1,127.0.0.2",
      );
      await forward.seen(/127\.0\.0\.2:\d+ -> 9999/);
      const ports = [...forward.output().matchAll(/from (127\.0\.0\.\d:\d+) -> 9898/g)].map(([, at]) => at);
      assert.equal(ports.length, 2);
      for (const at of ports) assert.equal((await fetch(`http://${at}/version`)).status, 200);
      forward.process.kill("SIGINT");
      await forward.ended;
    }
  });

  test("port-forward says that a port is refused, and ends as it does on a cluster", async () => {
    const forward = kubectl.following("port-forward", "deployment/web", ":9999");
    const [, port] = await forward.seen(/Forwarding from 127\.0\.0\.1:(\d+) -> 9999/);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    await forward.seen(/error forwarding port 9999 to pod .*connect: connection refused/);
    assert.equal((await forward.ended).code, 1);
    assert.match(forward.output(), /error: lost connection to pod/);
  });

  if (sandbox === "namespaced") {
    test("port-forward reaches a port that only the pod itself can", async () => {
      const forward = kubectl.following("port-forward", "pod/several", ":9898");
      const [, port] = await forward.seen(/Forwarding from 127\.0\.0\.1:(\d+) -> 9898/);
      assert.equal((await fetch(`http://127.0.0.1:${port}/version`)).status, 200);
      forward.process.kill("SIGINT");
      await forward.ended;
    });
  }

  test("port-forward outlives the restart of the program it leads to; logs -f ends with it", async () => {
    const pod = podOf();
    const follow = kubectl.following("logs", "-f", pod);
    await follow.seen(/Starting podinfo/);
    const forward = kubectl.following("port-forward", pod, ":9898");
    const [, port] = await forward.seen(/Forwarding from 127\.0\.0\.1:(\d+) -> 9898/);
    kubectl.try(["exec", pod, "--", "sh", "-c", panic]);
    assert.equal((await follow.ended).code, 0);
    run("wait", "pod", pod, "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=40s");
    run("wait", "pod", pod, "--for=condition=Ready", "--timeout=40s");
    assert.equal((await fetch(`http://127.0.0.1:${port}/version`)).status, 200);
    forward.process.kill("SIGINT");
    await forward.ended;
    assert.match(run("logs", pod, "--previous"), /Starting podinfo/);
    run("delete", "pod", pod, "--now");
    run("rollout", "status", "deployment/web", "--timeout=40s");
  });

  test("run --rm -i shows what a program printed, ends with its code, and removes the pod", () => {
    const version = ["curl", "-s", "http://web.default.svc.cluster.local/version"];
    const once = ["run", "smoke", "--rm", "-i", "--restart=Never", curl];
    const well = kubectl.try([...once, "--", ...version]);
    assert.equal(well.code, 0, well.err);
    assert.match(well.out, /"version": "6\.8\.0"[\s\S]*pod "smoke" deleted/);
    assert.doesNotMatch(well.err, /couldn't attach/);
    isGone("smoke");
    const quiet = kubectl.try([...once, "-q", "--", "-s", "http://web/version"]);
    assert.deepEqual([quiet.code, JSON.parse(quiet.out).version], [0, "6.8.0"]);
    const refused = kubectl.try([
      ...once,
      "--",
      "curl",
      "-sS",
      "-f",
      "http://web.default.svc.cluster.local/status/500",
    ]);
    assert.equal(refused.code, 22, refused.err);
    isGone("smoke");
    const attached = kubectl.try([
      "run",
      "smoke",
      "--rm",
      "--attach",
      "--restart=Never",
      "-q",
      curl,
      "--",
      ...version,
    ]);
    assert.deepEqual([attached.code, JSON.parse(attached.out).version], [0, "6.8.0"], attached.err);
  });

  test("run -i gives a command its input, both outputs, and all of a long one", () => {
    const once = ["run", "piped", "--rm", "-i", "-q", "--restart=Never", curl, "--command", "--", "sh", "-c"];
    const { code, out, err } = kubectl.try([...once, "cat; echo to stderr >&2; exit 5"], {
      input: "typed in\n",
    });
    assert.deepEqual([code, out], [5, "typed in\n"]);
    assert.match(err, /^to stderr$/m);
    const input = randomBytes(1_000_000).toString("hex");
    const long = kubectl.try([...once, "cat"], { input });
    assert.deepEqual([long.code, hash(long.out)], [0, hash(input)]);
  });

  test("run -it and exec -it are in a terminal of the user's size", () => {
    // The size comes a moment after the terminal, as it does on a cluster.
    const settled =
      'n=0; until [ "$(stty size)" = "33 111" ] || [ $n = 100 ]; do sleep 0.1; n=$((n + 1)); done';
    const script = `test -t 0 && test -t 1 && echo is a terminal; ${settled}; stty size; exit 4`;
    const once = ["run", "seen", "--rm", "-it", "-q", "--restart=Never", curl, "--command", "--"];
    for (const args of [
      [...once, "sh", "-c", script],
      ["exec", "-it", "deploy/web", "--", "sh", "-c", script],
    ]) {
      const { code, out } = kubectl.inTerminal(args);
      assert.equal(code, 4, out);
      assert.match(out, /is a terminal\r\n[\s\S]*33 111\r\n/);
    }
    isGone("seen");
  });

  test("attach shows what comes from now on, and leaves the program running", async () => {
    run("run", "talker", curl, "--command", "--", "sh", "-c", "while :; do echo still here; sleep 0.2; done");
    run("wait", "pod/talker", "--for=condition=Ready", "--timeout=30s");
    const attached = kubectl.following("attach", "talker");
    await attached.seen(/(still here\n){3}/);
    attached.process.kill("SIGINT");
    await attached.ended;
    assert.equal(run("get", "pod", "talker", "-o", "jsonpath={.status.phase}"), "Running");
    run("delete", "pod", "talker", "--now");
  });

  test("exec runs in the container that is named, with input, outputs and exit code", () => {
    const shell = ["--", "sh", "-c", "cat; echo out; echo err >&2; exit 7"];
    assert.deepEqual(kubectl.try(["exec", "-i", "deploy/web", ...shell], { input: "in\n" }), {
      ...{ code: 7, out: "in\nout\n" },
      err: "err\ncommand terminated with exit code 7\n",
    });
    assert.equal(
      kubectl.try(["exec", "deploy/web", ...shell], { input: "in\n" }).out,
      "out\n",
      "no -i, no input",
    );
    assert.equal(run("exec", "several", "-c", "second", "--", "echo", "hi"), "hi\n");
    assert.match(
      kubectl.try(["exec", "several", "--", "true"]).err,
      /^Defaulted container "first" out of: first, second, ends/,
    );
    const spdy = { input: "in\n", env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false" } };
    assert.equal(kubectl.try(["exec", "-i", "deploy/web", ...shell], spdy).out, "in\nout\n");
  });

  test("exec says what is wrong in the words of a cluster", () => {
    const cases = [
      [
        ["deploy/web", "--", "nosuch"],
        /^error: Internal error occurred: error executing command in container: .* exec: "nosuch": executable file not found in \$PATH: unknown\n$/,
      ],
      [["deploy/web", "--", "/etc"], /exec: "\/etc": permission denied/],
      [
        ["deploy/web", "-c", "nosuch", "--", "true"],
        /^Error from server \(BadRequest\): container nosuch is not valid for pod web-/,
      ],
      [["nosuch", "--", "true"], /^Error from server \(NotFound\): pods "nosuch" not found/],
      [
        ["deploy/nosuch", "--", "true"],
        /^Error from server \(NotFound\): deployments\.apps "nosuch" not found/,
      ],
    ] as const;
    for (const [args, words] of cases) {
      const { code, err } = kubectl.try(["exec", ...args]);
      assert.equal(code, 1);
      assert.match(err, words);
    }
  });

  test("cp carries files and directories both ways", () => {
    const pod = podOf();
    const here = join(directory, "copied");
    mkdirSync(join(here, "below"), { recursive: true });
    writeFileSync(join(here, "below", "bytes"), randomBytes(2_000_000));
    const place = run("exec", pod, "--", "sh", "-c", "mktemp -d").trim();
    run("cp", here, `${pod}:${place}`);
    const back = join(directory, `back-${pod}`);
    run("cp", `${pod}:${place}/copied/below/bytes`, back);
    assert.deepEqual(readFileSync(back), readFileSync(join(here, "below", "bytes")));
    run("exec", pod, "--", "rm", "-r", place);
  });

  test("logs are of one container or all, of labelled pods, of the run before, with times, since and tail", () => {
    assert.equal(run("logs", "several", "-c", "second"), "second says\n");
    // Each container's are asked for at once: they come in any order.
    const all = run("logs", "several", "--all-containers", "--prefix").split("\n");
    for (const name of ["first", "second", "ends"]) {
      assert.ok(all.includes(`[pod/several/${name}] ${name} says`), all.join("\n"));
    }
    assert.match(
      run("logs", "-l", "app=web", "--prefix", "--tail=-1"),
      /(\[pod\/web-\S+\/web\] .*Starting podinfo[\s\S]*){2}/,
    );
    assert.match(
      run("logs", "several", "-c", "first", "--timestamps"),
      /^\d{4}-\d\d-\d\dT[\d:.]+Z first says\n$/,
    );
    assert.equal(run("logs", "several", "-c", "first", "--since-time=2100-01-01T00:00:00Z"), "");
    assert.equal(run("logs", "several", "-c", "ends", "--previous"), "ends says\nand fails\n");
    assert.equal(run("logs", "several", "-c", "ends", "--previous", "--tail=1"), "and fails\n");
    assert.equal(run("logs", "several", "-c", "first", "--limit-bytes=5"), "first");
    const none = kubectl.try(["logs", "several", "-c", "first", "--previous"]);
    assert.match(none.err, /previous terminated container "first" in pod "several" not found/);
  });
}

/** podinfo then ends itself; in the plain sandbox it listens at the pod's address. */
const panic = "curl -s http://localhost:9898/panic";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
