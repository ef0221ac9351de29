import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@tracegate/apiserver/testing";
import { Deployment, Pod, ReplicaSet } from "@tracegate/kube";
import { faultyClient, simulatedCluster } from "../../testing/index.ts";
import { isAvailable } from "../pods/pod-state.ts";
import { isComplete } from "./status.ts";

const ref = { namespace: "default", name: "web" };
const SEEDS = 10;

/**
 * One life of a Deployment under seeded faults: conflicts, lost answers, watch gaps, pods that die, versions and sizes
 * that change. After every step: no controller may have taken more pods away than `maxUnavailable` allows.
 */
async function live(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = (n: number) => Math.floor(random() * n);
  let calm = false;
  const faults = {
    get conflict() {
      return calm ? 0 : 0.05;
    },
    get lostAnswer() {
      return calm ? 0 : 0.03;
    },
    get watchGap() {
      return calm ? 0 : 0.05;
    },
    expired: 0.5,
    random,
  };
  const { client, scheduler, stop } = await simulatedCluster({
    seed,
    wrap: (direct, on) => faultyClient(direct, on, faults),
  });
  const maxUnavailable = pick(3);
  const maxSurge = maxUnavailable === 0 ? 1 + pick(2) : pick(3);
  let replicas = 2 + pick(5);
  await client.create(Deployment, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...ref },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:1" }], terminationGracePeriodSeconds: 1 },
      },
    },
  });
  const pods = async () => (await client.list(Pod)).items;
  const available = async () =>
    (await pods()).filter(
      (pod) => pod.metadata.deletionTimestamp === undefined && isAvailable(pod, 0, scheduler.now()),
    ).length;
  await scheduler.advanceBy(60_000);

  // A rollout by itself, with faults but without deaths, never dips below its minimum.
  let lowest = Number.POSITIVE_INFINITY;
  const watchLow = async (ms: number) => {
    const end = scheduler.now() + ms;
    await scheduler.advanceUntil(async () => {
      lowest = Math.min(lowest, await available());
      return false;
    }, end);
  };
  await client.patch(Deployment, ref, { type: "strategic", body: imageBody("web:2") });
  await watchLow(60_000);
  assert.ok(
    lowest >= replicas - maxUnavailable,
    `seed ${seed}: ${lowest} of ${replicas} available, ${maxUnavailable} may be missing`,
  );

  for (let version = 3; version < 6; version++) {
    const before = await pods();
    const victim = before[pick(before.length)];
    if (victim !== undefined) await client.delete(Pod, victim.metadata, { gracePeriodSeconds: 0 });
    replicas = 1 + pick(6);
    await client.patch(Deployment, ref, { type: "merge", body: { spec: { replicas } } });
    await scheduler.advanceBy(pick(500));
    await client.patch(Deployment, ref, { type: "strategic", body: imageBody(`web:${version}`) });
    await scheduler.advanceBy(pick(2000));
  }
  calm = true;
  await scheduler.advanceBy(1_200_000);
  const deployment = await client.get(Deployment, ref);
  assert.ok(
    isComplete(deployment, deployment.status ?? {}),
    `seed ${seed}: ${JSON.stringify(deployment.status)}`,
  );
  const running = await pods();
  assert.equal(running.length, replicas, `seed ${seed}`);
  assert.ok(running.every(({ spec }) => spec.containers[0]?.image === "web:5"));
  const withPods = (await client.list(ReplicaSet)).items.filter(({ spec }) => spec.replicas !== 0);
  assert.equal(withPods.length, 1);
  await stop();
}

const imageBody = (image: string) => ({
  spec: { template: { spec: { containers: [{ name: "web", image }] } } },
});

test("a Deployment converges under faults and deaths, and its rollouts keep the minimum available", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await live(seed);
});
