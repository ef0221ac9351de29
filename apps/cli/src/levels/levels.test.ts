import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Kind, type KubeObject, type Ref, type ResourceClient, StatusError } from "@tracegate/kube";
import { parse } from "yaml";
import { timings } from "../demo/timing.ts";
import { indented } from "../output.ts";
import { painter } from "../painter.ts";
import { type Level, levelNamed, levelNames, levels } from "./index.ts";
import { writeManifests } from "./repository.ts";
import { verdictText, verifyLevel } from "./verdict.ts";

const examples = fileURLToPath(new URL("../../../../examples/levels/", import.meta.url));

const filesOf = (directory: string) =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => [file, readFileSync(join(directory, file), "utf8")]),
  );

async function manifests(t: { after(body: () => void): void }, level: Level, faults: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), "tracegate-level-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await writeManifests(directory, level, faults, timings.source, "https://git.example.com/adventures.git");
  return filesOf(directory);
}

for (const name of levelNames) {
  const level = levels[name];
  const faults = Object.keys(level.faults);

  test(`the ${name} level with all of its faults is its broken form, without any its solved form`, async (t) => {
    assert.deepEqual(await manifests(t, level, faults), filesOf(join(examples, name, "broken")));
    assert.deepEqual(await manifests(t, level, []), filesOf(join(examples, name, "solved")));
  });

  test(`each fault of the ${name} level has a patch, and changes something alone`, async (t) => {
    const patches = readdirSync(join(examples, name, "faults")).map((file) => file.replace(".patch", ""));
    assert.deepEqual(patches.toSorted(), faults.toSorted());
    const solved = filesOf(join(examples, name, "solved"));
    for (const fault of faults) assert.notDeepEqual(await manifests(t, level, [fault]), solved, fault);
  });
}

/** A cluster that holds HotROD's Rollout and AnalysisTemplate of a level's manifests, and nothing else. */
function clusterOf(files: Readonly<Record<string, string>>): Pick<ResourceClient, "get" | "list"> {
  const held = ["hotrod/rollout.yaml", "hotrod/analysis-template.yaml"].map((file) =>
    parse(files[file] ?? ""),
  );
  return {
    async get<T extends KubeObject>(kind: Kind<T>, { name, namespace = "" }: Ref): Promise<T> {
      const found = held.find((object) => object.kind === kind.kind && object.metadata.name === name);
      if (found === undefined) throw new StatusError({ code: 404, reason: "NotFound" });
      return { ...found, metadata: { namespace, ...found.metadata } };
    },
    list: () =>
      Promise.resolve({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items: [] }),
  };
}

test("what a gate does to made-up canaries decides, not how it is written", async (t) => {
  const { expert } = levels;
  const gates = async (files: Readonly<Record<string, string>>) => {
    const world = {
      client: clusterOf(files),
      query: async () => [],
      tracedServices: async () => [],
    };
    const { objectives } = await verifyLevel(expert, world, "/nowhere");
    return objectives.filter(({ text }) => text.startsWith("A gate")).map(({ met }) => met);
  };
  const solved = await manifests(t, expert, []);
  assert.deepEqual(await gates(solved), [true, true, true]);
  assert.deepEqual(await gates(await manifests(t, expert, ["no-traffic-gate"])), [false, true, true]);

  const template = "hotrod/analysis-template.yaml";
  const edited = (from: string | RegExp, to: string) => {
    const text = (solved[template] ?? "").replace(from, to);
    assert.notEqual(text, solved[template]);
    return { ...solved, [template]: text };
  };
  // A gate that asks of spans in place of requests is as good; one that compares the wrong way, or is too lenient, is none.
  const bySpans = edited(
    /sum\(rate\(hotrod_requests_total\{\s*namespace="\{\{args.namespace\}\}",\s*rollouts_pod_template_hash=/,
    "sum(rate(traces_span_metrics_calls_total{hotrod_pod_hash=",
  );
  assert.deepEqual(await gates(bySpans), [true, true, true]);
  assert.deepEqual(await gates(edited("result[0] >= 0.05", "result[0] < 0.05")), [false, true, true]);
  assert.deepEqual(await gates(edited("result[0] < 0.05", "result[0] < 0.5")), [true, false, true]);
  assert.deepEqual(await gates(edited("result[0] < 1000", "result[0] < 10000")), [true, true, false]);
  assert.deepEqual(await gates(edited("histogram_quantile(0.95", "histogram_quantile(0.95.")), [
    true,
    true,
    false,
  ]);
});

test("a verdict names each objective, and hints below those that are open", () => {
  const text = verdictText(
    {
      level: "expert",
      title: "Title",
      met: false,
      objectives: [
        { text: "One", met: true, hints: [] },
        { text: "Two", met: false, hints: ["look here"] },
      ],
      undeployed: ["1 commit is not pushed: git push"],
    },
    painter(false),
  );
  assert.equal(
    text,
    "Title (expert)\n\n✔ One\n✖ Two\n    look here\n\n1 of 2 objectives are met.\n" +
      "\nWhat is deployed is not what you wrote:\n    1 commit is not pushed: git push\n",
  );
});

test("long hints are broken at blanks for a terminal, and left whole for everything else", () => {
  assert.deepEqual(indented("one two three", "  ", 9), ["  one two", "  three"]);
  assert.deepEqual(indented("one two three", "  ", undefined), ["  one two three"]);
  assert.deepEqual(indented("unbreakable", "  ", 5), ["  unbreakable"]);
});

test("a level that does not exist is told with those that do", () => {
  assert.throws(() => levelNamed("master"), /there is no level "master"/);
});

test("an Application that is out of sync is told with what is apart, or with why its sync failed", async () => {
  const application = (name: string, status: object) => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name, namespace: "argocd" },
    spec: { source: { path: `overlays/${name}` }, destination: { namespace: `echo-${name}` } },
    status: { sync: { status: "OutOfSync" }, ...status },
  });
  const items = [
    application("staging", {
      operationState: { phase: "Succeeded", message: "successfully synced (all tasks run)" },
      resources: [
        { kind: "Service", namespace: "echo", name: "echo", status: "OutOfSync", requiresPruning: true },
        { kind: "Deployment", namespace: "echo-staging", name: "echo", status: "OutOfSync" },
        { kind: "Service", namespace: "echo-staging", name: "echo", status: "Synced" },
      ],
    }),
    application("prod", { operationState: { phase: "Failed", message: 'namespaces "x" not found' } }),
    application("other", {}),
  ];
  const client = {
    get: () => Promise.reject(new StatusError({ code: 404, reason: "NotFound" })),
    list: () =>
      Promise.resolve({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items }),
  } as unknown as Pick<ResourceClient, "get" | "list">; // whatever is listed
  const world = { client, query: async () => [], tracedServices: async () => [] };
  const { objectives } = await verifyLevel(levels.beginner, world, "/nowhere");
  assert.deepEqual(objectives.at(-1)?.hints, [
    "staging is OutOfSync: Service echo in echo is in Git no more, Deployment echo in echo-staging",
    "see: argocd app get staging --refresh",
    'prod is OutOfSync: namespaces "x" not found',
    "see: argocd app get prod --refresh",
    "other is OutOfSync",
    "see: argocd app get other --refresh",
  ]);
});

test("a gate that measured NaN each time is told with what it waits for", async () => {
  const named = (kind: string, name: string, labels = {}) => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind,
    metadata: { name, namespace: "hotrod", labels, ownerReferences: [{ name: "hotrod" }] },
  });
  const rollout = {
    ...named("Rollout", "hotrod"),
    spec: { template: { spec: { containers: [{ image: "jaegertracing/example-hotrod:1.76.0" }] } } },
    status: { phase: "Degraded", message: "aborted", currentPodHash: "b", stableRS: "a" },
  };
  const run = (...values: string[]) => ({
    ...named("AnalysisRun", "hotrod-b-2-1", { "rollouts-pod-template-hash": "b" }),
    status: {
      phase: "Failed",
      metricResults: [
        {
          name: "latency",
          phase: "Failed",
          measurements: values.map((value) => ({ value, phase: "Failed" })),
        },
      ],
    },
  });
  const hints = async (items: object[]) => {
    const client = {
      get: ({ kind }: Kind) =>
        kind === "Rollout"
          ? Promise.resolve(rollout)
          : Promise.reject(new StatusError({ code: 404, reason: "NotFound" })),
      list: ({ kind }: Kind) =>
        Promise.resolve({
          kind: "List",
          apiVersion: "v1",
          metadata: { resourceVersion: "1" },
          items: kind === "AnalysisRun" ? items : [],
        }),
    } as unknown as Pick<ResourceClient, "get" | "list">; // what the level asks for
    const world = { client, query: async () => [], tracedServices: async () => [] };
    return (await verifyLevel(levels.expert, world, "/nowhere")).objectives[0]?.hints ?? [];
  };
  const told = (hint: string) => hint.startsWith("latency measured NaN each time: its counters stood still");
  assert.equal((await hints([run("[NaN]", "[NaN]")])).filter(told).length, 1);
  assert.equal((await hints([run("[NaN]", "[1200]")])).filter(told).length, 0);
  assert.equal((await hints([])).filter(told).length, 0);
});
