import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Kubectl, kubectlOf, kubectls } from "../support/kubectl.ts";
import { missingTools } from "../support/tools.ts";
import { type Run, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");

const podTemplate = (app: string) => `
  selector: {matchLabels: {app: ${app}}}
  template:
    metadata: {labels: {app: ${app}}}
    spec:
      containers:
        - name: main
          image: stefanprodan/podinfo:6.8.0
          ports: [{name: http, containerPort: 9898}]
          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 1}
`;
const deployment = `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2${podTemplate("web")}`;
const daemonSet = `apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent}\nspec:${podTemplate("agent")}`;

describe("kubectl on workloads", { skip }, () => {
  const temporary = temporaryState();
  const state = join(temporary.path, "s");
  let platform: Run;
  before(async () => {
    platform = tracegate("up", "--sandbox", "namespaced", "--ports", "free", "--state", state);
    await platform.seen(/Serving until Ctrl-C/);
  });
  after(async () => {
    platform.process.kill("SIGINT");
    await platform.ended;
    temporary.remove();
  });
  for (const { name, program } of kubectls()) {
    const namespace = name.replace(".", "-");
    describe(name, () => {
      before(() => kubectlOf(program, state).run("create", "namespace", namespace));
      after(() => kubectlOf(program, state).run("delete", "namespace", namespace, "--wait=false"));
      stories(kubectlOf(program, state, namespace), join(temporary.path, namespace));
    });
  }
});

function stories(kubectl: Kubectl, directory: string): void {
  const { run } = kubectl;
  mkdirSync(directory);
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const web = file("web.yaml", deployment);
  const image = (of: string) => run("get", of, "-o", "jsonpath={.spec.template.spec.containers[0].image}");
  const rolledOut = (of: string) => run("rollout", "status", of, "--timeout=60s");

  test("a Deployment is rolled out, restarted, paused, resumed, and brought back to a revision", () => {
    assert.equal(run("apply", "-f", web), "deployment.apps/web created\n");
    assert.match(rolledOut("deployment/web"), /deployment "web" successfully rolled out/);
    run("set", "image", "deployment/web", "main=stefanprodan/podinfo:6.9.3");
    run("annotate", "deployment/web", "kubernetes.io/change-cause=podinfo 6.9.3");
    rolledOut("deployment/web");
    assert.match(run("rollout", "history", "deployment/web"), /\n1 +<none>\n2 +podinfo 6\.9\.3\n/);
    assert.match(
      run("rollout", "history", "deployment/web", "--revision=1"),
      /Image:\s+stefanprodan\/podinfo:6\.8\.0/,
    );
    assert.equal(run("rollout", "undo", "deployment/web"), "deployment.apps/web rolled back\n");
    rolledOut("deployment/web");
    assert.equal(image("deployment/web"), "stefanprodan/podinfo:6.8.0");
    run("rollout", "pause", "deployment/web");
    assert.match(
      kubectl.try(["rollout", "restart", "deployment/web"]).err,
      /can't restart paused deployment/,
    );
    run("rollout", "resume", "deployment/web");
    assert.equal(run("rollout", "restart", "deployment/web"), "deployment.apps/web restarted\n");
    rolledOut("deployment/web");
    assert.match(run("get", "deployment", "web", "-o", "yaml"), /kubectl\.kubernetes\.io\/restartedAt: /);
    assert.match(
      run("events", "--for", "deployment/web"),
      /ScalingReplicaSet +Deployment\/web +Scaled up replica set web-/,
    );
  });

  test("a DaemonSet is rolled out, restarted and brought back; it cannot be paused", () => {
    run("apply", "-f", file("agent.yaml", daemonSet));
    assert.match(rolledOut("daemonset/agent"), /daemon set "agent" successfully rolled out/);
    run("set", "image", "daemonset/agent", "main=stefanprodan/podinfo:6.9.3");
    rolledOut("daemonset/agent");
    assert.match(run("rollout", "history", "daemonset/agent"), /\n1 +<none>\n2 +<none>\n/);
    run("rollout", "undo", "daemonset/agent", "--to-revision=1");
    rolledOut("daemonset/agent");
    assert.equal(image("daemonset/agent"), "stefanprodan/podinfo:6.8.0");
    run("rollout", "restart", "daemonset/agent");
    rolledOut("daemonset/agent");
    assert.match(kubectl.try(["rollout", "pause", "daemonset/agent"]).err, /pausing is not supported/);
    run("delete", "daemonset", "agent");
  });

  test("wait ends when it comes true, and says when it does not", () => {
    run("wait", "deployment/web", "--for=condition=Available", "--timeout=5s");
    run("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=2", "--timeout=5s");
    run("wait", "pod", "-l", "app=web", "--for=condition=Ready", "--timeout=30s");
    const never = kubectl.try(["wait", "deployment/web", "--for=condition=Never", "--timeout=1s"]);
    assert.deepEqual(
      [never.code, never.err],
      [1, "error: timed out waiting for the condition on deployments/web\n"],
    );
  });

  test("scale, set, patch and annotate change what they name", () => {
    assert.equal(
      run("scale", "deployment/web", "--current-replicas=2", "--replicas=3"),
      "deployment.apps/web scaled\n",
    );
    run("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=30s");
    const wrong = kubectl.try(["scale", "deployment/web", "--current-replicas=2", "--replicas=1"]);
    assert.match(wrong.err, /Expected replicas to be 2, was 3/);
    run("patch", "deployment", "web", "-p", '{"spec":{"replicas":1}}');
    run(
      "patch",
      "deployment",
      "web",
      "--type=json",
      "-p",
      '[{"op":"replace","path":"/spec/replicas","value":2}]',
    );
    run("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"labels":{"tier":"front"}}}');
    run("annotate", "deployment", "web", "owner=me");
    assert.match(
      kubectl.try(["annotate", "deployment", "web", "owner=you"]).err,
      /--overwrite is false but found/,
    );
    run("annotate", "deployment", "web", "owner=you", "--overwrite");
    const columns =
      "custom-columns=N:.metadata.name,R:.spec.replicas,T:.metadata.labels.tier,O:.metadata.annotations.owner";
    assert.match(run("get", "deployment", "web", "-o", columns), /\nweb +2 +front +you\n$/);
    const template = '{{range .spec.template.spec.containers}}{{.name}}={{.image}}{{"\\n"}}{{end}}';
    assert.equal(
      run("get", "deployment", "web", "-o", `go-template=${template}`),
      "main=stefanprodan/podinfo:6.8.0\n",
    );
    const range = 'jsonpath={range .items[*]}{.metadata.name}{"\\t"}{.spec.replicas}{"\\n"}{end}';
    assert.equal(run("get", "deployments", "-o", range), "web\t2\n");
  });

  test("diff shows what apply would change, and apply -k builds what it applies", () => {
    assert.equal(kubectl.try(["diff", "-f", web]).code, 0);
    const other = kubectl.try([
      "diff",
      "-f",
      file("more.yaml", deployment.replace("replicas: 2", "replicas: 4")),
    ]);
    assert.equal(other.code, 1);
    assert.match(other.out, /\n- {2}replicas: 2\n\+ {2}replicas: 4\n/);
    const built = join(directory, "built");
    mkdirSync(built, { recursive: true });
    writeFileSync(join(built, "agent.yaml"), deployment.replaceAll("web", "built"));
    writeFileSync(
      join(built, "kustomization.yaml"),
      "namePrefix: my-\nresources: [agent.yaml]\nimages: [{name: stefanprodan/podinfo, newTag: 6.9.3}]\n" +
        "configMapGenerator: [{name: settings, literals: [a=b]}]\n",
    );
    assert.match(
      run("apply", "-k", built),
      /configmap\/my-settings-\w+ created\ndeployment\.apps\/my-built created\n/,
    );
    rolledOut("deployment/my-built");
    assert.equal(image("deployment/my-built"), "stefanprodan/podinfo:6.9.3");
    run("delete", "-k", built);
  });

  test("what kinds and fields there are, and who may what", () => {
    assert.match(run("api-resources"), /^rollouts +ro +argoproj\.io\/v1alpha1 +true +Rollout$/m);
    assert.match(run("api-versions"), /^apps\/v1$/m);
    assert.match(
      run("explain", "rollout.spec"),
      /^GROUP: +argoproj\.io\nKIND: +Rollout\n[\s\S]*strategy\t<Object>/,
    );
    assert.match(run("explain", "rollout.spec.strategy.canary.steps"), /setWeight\t<integer>/);
    assert.equal(run("auth", "can-i", "create", "pods/attach"), "yes\n");
    assert.match(run("auth", "can-i", "--list"), /^\*\.\* +\[\] +\[\] +\[\*\]$/m);
    const stranger = kubectl.try(["auth", "can-i", "list", "secrets", "--as", "stranger"]);
    assert.deepEqual([stranger.code, stranger.out], [1, "no\n"]);
    assert.match(run("auth", "whoami"), /Username +kubernetes-admin/);
  });

  test("what there is not is told as a cluster without it does", () => {
    for (const what of ["pods", "nodes"]) {
      assert.deepEqual(kubectl.try(["top", what]), {
        code: 1,
        out: "",
        err: "error: Metrics API not available\n",
      });
    }
    // A pod of its own: those of the Deployment come and go with the stories before.
    const pod = "looked-at";
    run("run", pod, "--image=curlimages/curl:8.11.1", "--restart=Never", "--command", "--", "sleep", "100");
    run("wait", `pod/${pod}`, "--for=condition=Ready", "--timeout=30s");
    const debug = kubectl.try([
      "debug",
      pod,
      "--image=curlimages/curl:8.11.1",
      "--profile=general",
      "--",
      "sh",
    ]);
    assert.equal(debug.code, 1);
    assert.match(
      debug.err,
      /ephemeral containers are disabled for this cluster.*the node runs no ephemeral containers/,
    );
    const database = file(
      "database.yaml",
      deployment.replace("Deployment", "StatefulSet").replace("{name: web}", "{name: database}"),
    );
    const made = kubectl.try(["apply", "-f", database]);
    assert.deepEqual([made.code, made.out], [0, "statefulset.apps/database created\n"]);
    assert.match(made.err, /Warning: no controller here works on statefulsets/);
    run("delete", "-f", database);
    const copy = ["debug", pod, "--copy-to=copy", "--image=curlimages/curl:8.11.1", "--profile=general"];
    run(...copy, "--", "sleep", "100");
    run("wait", "pod/copy", "--for=jsonpath={.status.phase}=Running", "--timeout=30s");
    run("delete", "pod", "copy", pod, "--now");
  });
}
