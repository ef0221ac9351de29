import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Deployment, isObject, ReplicaSet } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";

const recording = new URL("../../../../tests/recordings/rollouts/workload-ref.json", import.meta.url);

/** A state without what differs from run to run: times, and hashes in order of appearance. */
function neutral(states: readonly unknown[]): string[] {
  const hashes: string[] = [];
  const text = states.map((state) =>
    JSON.stringify(state)
      .replace(/"(t\+\d+s|\d{4}-\d\d-\d\dT[^"]*Z)"/g, '"TIME"')
      .replace(/web-([a-z0-9]{5,10})\b/g, (_, hash: string) => {
        if (!hashes.includes(hash)) hashes.push(hash);
        return `web-HASH${hashes.indexOf(hash)}`;
      }),
  );
  return text.filter((line, i) => line !== text[i - 1]);
}

interface State {
  metadata: { name: string; generation?: number; annotations?: unknown };
  spec: { replicas?: number };
  status?: { observedGeneration?: number; conditions?: unknown };
}

const shown = ({ metadata, spec, status = {} }: State) => ({
  revision: metadata.annotations,
  replicas: spec.replicas,
  generation: metadata.generation,
  observedGeneration: status.observedGeneration,
  conditions: status.conditions,
});

test("a Deployment passes through the states of the recorded one: created, updated", async () => {
  const { input, recorded } = JSON.parse(await readFile(recording, "utf8")) as {
    input: { objects: Deployment[] };
    recorded: (State & { kind?: string })[];
  };
  const [made] = input.objects;
  assert.equal(made?.kind, "Deployment");
  const { client, scheduler } = await simulatedCluster();
  const seen: State[] = [];
  client.watch(
    Deployment,
    { resourceVersion: "0" },
    {
      event(event) {
        if (event.type !== "BOOKMARK") seen.push(structuredClone(event.object));
      },
      close() {},
    },
  );
  await client.create(Deployment, { ...made, metadata: { ...made.metadata, namespace: "default" } });
  await scheduler.advanceBy(600);
  const template = { spec: { containers: [{ name: "web", image: "web:2" }] } };
  await client.patch(
    Deployment,
    { namespace: "default", name: "web" },
    { type: "strategic", body: { spec: { template } } },
  );
  await scheduler.advanceBy(600);
  const real = recorded.filter(({ kind, metadata }) => kind === "Deployment" && isObject(metadata));
  assert.deepEqual(neutral(seen.map(shown)), neutral(real.map(shown)));
  const sets = (await client.list(ReplicaSet)).items.map(({ metadata: { annotations } }) => annotations);
  assert.deepEqual(sets.map((annotations) => annotations?.["deployment.kubernetes.io/revision"]).sort(), [
    "1",
    "2",
  ]);
});
