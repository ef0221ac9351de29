import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Pod } from "@tracegate/kube";
import { type Kubectl, kubectlOf, kubectls } from "../support/kubectl.ts";
import { missingTools } from "../support/tools.ts";
import { type Run, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");

describe("the real kubectl on the kinds of the example", { skip }, () => {
  const temporary = temporaryState();
  const state = join(temporary.path, "s");
  let platform: Run;
  before(async () => {
    platform = tracegate("demo", "--timing", "test", "--ports", "free", "--state", state);
    await platform.seen(/Serving until Ctrl-C/);
  });
  after(async () => {
    platform.process.kill("SIGINT");
    await platform.ended;
    temporary.remove();
  });
  for (const { name, program } of kubectls()) {
    describe(name, () => stories(kubectlOf(program, state), temporary.path));
  }
});

/** As PID 1 of its container it gets only the signals that it asks for. */
const serve = "trap 'exit 0' TERM; sleep 1000 & wait";

function stories({ run, following }: Kubectl, directory: string): void {
  test("get lists each kind in its columns, and prints JSON, YAML and paths", () => {
    assert.match(
      run("get", "rollouts", "-n", "hotrod"),
      /NAME +DESIRED +CURRENT +UP-TO-DATE +AVAILABLE +AGE\nhotrod +2 +2 +2 +2 /,
    );
    assert.match(
      run("get", "applications", "-A"),
      /NAMESPACE +NAME +SYNC STATUS +HEALTH STATUS\nargocd +hotrod +Synced +Healthy/,
    );
    assert.match(run("get", "analysisruns", "-n", "hotrod"), /hotrod-\w+-2-1 +Successful/);
    assert.match(
      run("get", "daemonset,configmap,service", "-n", "otel"),
      /daemonset\.apps\/collector +1 +1 +1 +1 +1/,
    );
    assert.match(run("get", "deploy", "-n", "traffic-generator", "-o", "wide"), /curlimages\/curl:8\.11\.1/);
    assert.match(
      run("get", "applicationset", "-n", "argocd", "-o", "yaml"),
      /name: hyperspace-operations-and-transport/,
    );
    const image = run(
      "get",
      "rollout",
      "hotrod",
      "-n",
      "hotrod",
      "-o",
      "jsonpath={.spec.template.spec.containers[0].image}",
    );
    assert.equal(image, "jaegertracing/example-hotrod:1.76.0");
  });

  test("describe shows what an object is and what happened to it", () => {
    assert.match(
      run("describe", "rollout", "hotrod", "-n", "hotrod"),
      /RolloutCompleted +.*Rollout completed update to revision 2/,
    );
    assert.match(
      run("describe", "daemonset", "collector", "-n", "otel"),
      /Pods Status: +1 Running \/ 0 Waiting/,
    );
    assert.match(run("describe", "node", "tracegate"), /Ready +True/);
  });

  test("create, label, scale, wait, watch and delete a Deployment", async () => {
    run("create", "namespace", "lab");
    run(
      "create",
      "deployment",
      "web",
      "-n",
      "lab",
      "--image=curlimages/curl:8.11.1",
      "--",
      "sh",
      "-c",
      serve,
    );
    run("wait", "deployment/web", "-n", "lab", "--for=condition=Available", "--timeout=30s");
    run("label", "deployment", "web", "-n", "lab", "tier=front");
    assert.match(run("get", "deployments", "-n", "lab", "-l", "tier=front"), /web +1\/1/);
    const watch = following("get", "pods", "-n", "lab", "-w");
    await watch.seen(/web-\S+ +1\/1 +Running/);
    run("scale", "deployment", "web", "-n", "lab", "--replicas=2");
    await watch.seen(/(web-\S+) +1\/1 +Running[\s\S]+ContainerCreating[\s\S]+1\/1 +Running/);
    watch.process.kill();
    run("delete", "deployment", "web", "-n", "lab");
    run("wait", "pods", "--all", "-n", "lab", "--for=delete", "--timeout=30s");
    run("delete", "namespace", "lab");
  });

  test("apply makes and changes objects, and says when there is nothing to do", () => {
    const file = join(directory, "config.yaml");
    const manifest = (value: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default}\ndata: {key: ${value}}\n`;
    writeFileSync(file, manifest("one"));
    assert.equal(run("apply", "-f", file), "configmap/settings created\n");
    assert.equal(run("apply", "-f", file), "configmap/settings unchanged\n");
    writeFileSync(file, manifest("two"));
    assert.equal(run("apply", "-f", file), "configmap/settings configured\n");
    assert.equal(run("get", "configmap", "settings", "-o", "jsonpath={.data.key}"), "two");
    run("delete", "-f", file);
  });

  test("logs follows a container", async () => {
    const logs = following(
      "logs",
      "-f",
      "-n",
      "traffic-generator",
      "deployment/traffic-generator",
      "--tail=1",
    );
    await logs.seen(/\/dispatch\?customer=\d+ 200 [\d.]+s[\s\S]*\n[\s\S]*\n/);
    logs.process.kill();
  });

  test("an image that no catalogue has waits as on a cluster, and says how to map it", async () => {
    run("run", "stranger", "--image=example.com/stranger:1");
    const watch = following("get", "pod", "stranger", "-w");
    await watch.seen(/ErrImagePull|ImagePullBackOff/);
    watch.process.kill();
    // What kubectl prints of the pods that it was asked for.
    const { items } = JSON.parse(run("get", "pods", "-o", "json")) as { items: Pod[] };
    const waiting = items.find(({ metadata }) => metadata.name === "stranger")?.status?.containerStatuses?.[0]
      ?.state?.waiting;
    assert.match(
      `${waiting?.reason}: ${waiting?.message}`,
      /^(ErrImagePull|ImagePullBackOff): .*example\.com\/stranger/,
    );
    assert.match(run("describe", "pod", "stranger"), /Map it in tracegate\.yaml/);
    run("delete", "pod", "stranger", "--grace-period=0", "--force");
  });
}
