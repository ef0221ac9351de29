import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { AnalysisRun } from "@tracegate/analysis";
import type { KubeObject, Pod, ReplicaSet } from "@tracegate/kube";
import type { Rollout } from "@tracegate/rollouts";
import { rolloutInfo } from "./rollout-info.ts";

interface Recorded {
  readonly objects: readonly KubeObject[];
  readonly answers: Readonly<Record<string, unknown>>;
}
// The file is ours.
const { objects, answers } = JSON.parse(
  readFileSync(new URL("testdata/recorded.json", import.meta.url), "utf8"),
) as Recorded;
const of = <T extends KubeObject>(kind: string): T[] =>
  structuredClone(objects.filter((object) => object.kind === kind)) as T[]; // by their kind
const around = {
  replicaSets: of<ReplicaSet>("ReplicaSet"),
  pods: of<Pod>("Pod"),
  analysisRuns: of<AnalysisRun>("AnalysisRun"),
};

for (const rollout of of<Rollout>("Rollout"))
  test(`what is told of ${rollout.metadata.name} is what the original's dashboard told`, () => {
    assert.deepEqual(
      JSON.parse(JSON.stringify(rolloutInfo({ rollout, ...around }))),
      answers[rollout.metadata.name],
    );
  });

test("a list leaves the AnalysisRuns out", () => {
  const [, web] = of<Rollout>("Rollout");
  assert.ok(web);
  const { analysisRuns, ...rest } = rolloutInfo({ rollout: web, ...around });
  assert.ok(Array.isArray(analysisRuns));
  assert.deepEqual(rolloutInfo({ rollout: web, ...around }, { runs: false }), rest);
});

test("where the template is another's, containers are those of the newest ReplicaSet", () => {
  const [, web] = of<Rollout>("Rollout");
  assert.ok(web);
  const { template: _, ...spec } = web.spec;
  const info = rolloutInfo({ rollout: { ...web, spec }, ...around });
  assert.deepEqual(info["containers"], rolloutInfo({ rollout: web, ...around })["containers"]);
});

test("objects of the same name in another namespace are not mixed up", () => {
  const [, web] = of<Rollout>("Rollout");
  assert.ok(web);
  const strangers = around.pods.map((pod) => ({
    ...pod,
    metadata: { ...pod.metadata, namespace: "elsewhere", uid: "another", ownerReferences: [] },
  }));
  assert.deepEqual(
    rolloutInfo({ rollout: web, ...around, pods: [...strangers, ...around.pods] }),
    rolloutInfo({ rollout: web, ...around }),
  );
});
