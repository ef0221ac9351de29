import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Document, parse, parseDocument } from "yaml";
import { retime, timings } from "../../apps/cli/src/demo/timing.ts";
import { objectives, type PlayedLevel, playLevel } from "../support/levels.ts";
import { missingTools } from "../support/tools.ts";
import { root } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");

const noMetrics =
  'Metric "latency-p95-lt-1s" assessed Error due to consecutiveErrors (3) > consecutiveErrorLimit (2): ' +
  '"Error Message: reflect: slice index out of range"';

/** After the manifests of the Collector have been mended and pushed. */
async function restartCollector({ works }: PlayedLevel) {
  await works("argocd app get otel --refresh");
  assert.equal(
    await works("kubectl rollout restart daemonset/collector -n otel"),
    "daemonset.apps/collector restarted\n",
  );
  await works("kubectl rollout status daemonset/collector -n otel --timeout=60s");
}

/** After the last fault is mended: the release is tried again, goes through, and every objective is met. */
async function retryAndVerify({ works, until }: PlayedLevel) {
  await works("argocd app get hotrod --refresh");
  assert.equal(
    await works("kubectl argo rollouts retry rollout hotrod -n hotrod"),
    "rollout 'hotrod' retried\n",
  );
  await until("kubectl argo rollouts status hotrod -n hotrod --timeout 60s", /^Healthy\n$/m);
  assert.match(
    await works("kubectl argo rollouts get rollout hotrod -n hotrod"),
    /jaegertracing\/example-hotrod:1\.76\.0 \(stable\)/,
  );
  const { open, met } = objectives(await works(verify));
  assert.deepEqual(open, []);
  assert.equal(met.length, 7);
}

const verify = 'tracegate verify expert --state "$(dirname "$KUBECONFIG")"';

test("a Collector without receivers crashes, says why, and is mended", { skip }, async (t) => {
  const level = await playLevel(t, "expert", ["no-receivers"]);
  await level.until(
    "kubectl logs -n otel daemonset/collector",
    /invalid configuration: no receiver configuration specified in config/,
  );
  await level.until("kubectl get pods -n otel", /CrashLoopBackOff/);
  assert.match(await level.works("argocd app get otel"), /^Health Status: +(Progressing|Degraded)$/m);
  const { code, out } = await level.type(verify);
  assert.equal(code, 1);
  assert.ok(objectives(out).open.includes("The OpenTelemetry Collector runs and takes HotROD's spans"), out);

  await level.mend("no-receivers");
  await restartCollector(level);
  await retryAndVerify(level);
});

test("without a metrics pipeline the latency gate has nothing to ask", { skip }, async (t) => {
  const level = await playLevel(t, "expert", ["no-metrics-pipeline"]);
  const { code, err } = await level.type("kubectl argo rollouts status hotrod -n hotrod");
  assert.equal(code, 1);
  assert.ok(err.includes(noMetrics), err);
  const { out } = await level.type(verify);
  assert.ok(objectives(out).open.includes("Spans become metrics in Prometheus"), out);

  await level.mend("no-metrics-pipeline");
  await restartCollector(level);
  await retryAndVerify(level);
});

test("an idle canary is promoted where no gate asks for traffic, and held where one does", {
  skip,
}, async (t) => {
  const { works, manifests, until, type } = await playLevel(t, "expert", ["no-traffic-gate"]);
  const edit = (file: string, change: (manifest: Document) => void) => {
    const path = join(manifests, file);
    const manifest = parseDocument(readFileSync(path, "utf8"));
    change(manifest);
    writeFileSync(path, manifest.toString({ lineWidth: 0 }));
  };
  const metrics = ["spec", "metrics"];
  const push = (message: string) =>
    works(`git add . && git commit --quiet -m '${message}' && git push --quiet`);
  // A version of its own each time: of one that was there before, the collector still tells.
  const release = async (name: string) => {
    edit("hotrod/rollout.yaml", (rollout) =>
      rollout.addIn(["spec", "template", "spec", "containers", 0, "env"], { name: "RELEASE", value: name }),
    );
    await push(`Release ${name}`);
    await works("argocd app get hotrod --refresh");
    await until("kubectl get rollout hotrod -n hotrod -o yaml", new RegExp(`value: ${name}`));
  };
  const stableRuns = async () => {
    const hash = await works("kubectl get rollout hotrod -n hotrod -o jsonpath='{.status.stableRS}'");
    return works(`kubectl get replicaset hotrod-${hash} -n hotrod -o yaml`);
  };

  // Nobody asks HotROD anything any more, and a query that finds nothing answers 0.
  edit("traffic-generator/deployment.yaml", (generator) => generator.setIn(["spec", "replicas"], 0));
  edit("hotrod/analysis-template.yaml", (template) => {
    for (const [index, { provider }] of template.toJS().spec.metrics.entries()) {
      const at = [...metrics, index, "provider", "prometheus", "query"];
      template.setIn(at, `(\n${provider.prometheus.query}\n) or vector(0)`);
    }
  });
  await push("Scale the traffic to nothing; answer 0 where nothing is found");
  await works("argocd app get traffic-generator --refresh");
  await works("argocd app get hotrod --refresh");
  await works("kubectl wait pods --all -n traffic-generator --for=delete --timeout=60s");
  await until("kubectl get analysistemplate hotrod-analysis -n hotrod -o yaml", /or vector\(0\)/);

  await release("idle");
  await works("kubectl argo rollouts status hotrod -n hotrod --timeout 90s");
  assert.match(await stableRuns(), /value: idle/, "the idle canary is promoted");

  edit("hotrod/analysis-template.yaml", (template) => template.addIn(metrics, trafficGate()));
  await push("Ask for traffic");
  await works("argocd app get hotrod --refresh");
  await until("kubectl get analysistemplate hotrod-analysis -n hotrod -o yaml", /traffic-detection/);
  await release("gated");
  const ended = await type("kubectl argo rollouts status hotrod -n hotrod --timeout 90s");
  assert.equal(ended.code, 1, "the idle canary is held");
  assert.match(ended.err, /Metric "traffic-detection" assessed (Failed|Error) due to/);
  assert.doesNotMatch(await stableRuns(), /value: gated/);
});

/** The gate that the level lacks, from its solved form, at the pace of tests. */
function trafficGate(): unknown {
  const solved = join(root, "examples/levels/expert/solved/hotrod/analysis-template.yaml");
  const { metrics } = parse(retime(readFileSync(solved, "utf8"), timings.test)).spec;
  return metrics.find(({ name }: { name: string }) => name === "traffic-detection");
}

test("all faults together, mended one by one as the walkthrough does", { skip }, async (t) => {
  const level = await playLevel(t, "expert", ["no-receivers", "no-metrics-pipeline", "no-traffic-gate"]);
  assert.match(level.output, /2 of 7 objectives are met/);
  assert.ok(level.output.includes(noMetrics));
  await level.mend("no-receivers");
  // Spans have a way in, but the connector's metrics have none out: the Collector says so.
  await level.works("argocd app get otel --refresh");
  await level.works("kubectl rollout restart daemonset/collector -n otel");
  await level.until(
    "kubectl logs -n otel daemonset/collector",
    /connector "spanmetrics" used as exporter in \[traces\] pipeline but not used in any supported receiver pipeline/,
  );
  await level.mend("no-metrics-pipeline");
  await restartCollector(level);
  await level.mend("no-traffic-gate");
  await retryAndVerify(level);
});
