import assert from "node:assert/strict";
import { test } from "node:test";
import { Event, Job, Pod } from "@tracegate/kube";
import { simulatedCluster } from "../../testing/index.ts";

const ref = { namespace: "default", name: "work" };

const job = (spec: Partial<Job["spec"]> = {}, image = "work:1"): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { ...ref },
  spec: {
    template: { spec: { containers: [{ name: "work", image }], restartPolicy: "Never" } },
    ...spec,
  },
});

async function begin(made: Job) {
  const { client, scheduler } = await simulatedCluster();
  await client.create(Job, made);
  const look = async () => {
    const { status } = await client.get(Job, ref);
    const { succeeded, failed, active } = status ?? {};
    return {
      succeeded,
      failed,
      active,
      conditions: status?.conditions?.map(({ type, reason }) => `${type} ${reason}`),
    };
  };
  const pods = async () => (await client.list(Pod)).items;
  return { client, scheduler, look, pods };
}

test("a Job runs its pods, some at a time, until enough have succeeded", async () => {
  const { client, scheduler, look, pods } = await begin(job({ completions: 5, parallelism: 2 }));
  await scheduler.runUntilIdle();
  assert.equal((await pods()).length, 2);
  await scheduler.advanceBy(5000);
  assert.deepEqual(await look(), {
    succeeded: 5,
    failed: undefined,
    active: undefined,
    conditions: ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"],
  });
  assert.equal((await pods()).length, 5);
  assert.ok((await pods()).every(({ metadata }) => metadata.finalizers === undefined));
  assert.ok((await client.get(Job, ref)).status?.completionTime);
  const events = (await client.list(Event)).items.map(({ reason }) => reason);
  assert.equal(events.filter((reason) => reason === "Completed").length, 1);
});

test("a Job whose pods fail tries again with growing pauses, then fails", async () => {
  const { scheduler, look, pods } = await begin(job({ backoffLimit: 2 }, "work:fail"));
  await scheduler.advanceBy(9_000);
  assert.equal((await pods()).length, 1);
  await scheduler.advanceBy(2_000);
  assert.equal((await pods()).length, 2);
  await scheduler.advanceBy(60_000);
  assert.deepEqual(await look(), {
    succeeded: undefined,
    failed: 3,
    active: undefined,
    conditions: ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"],
  });
});

test("a Job over its deadline loses its pods and fails", async () => {
  const { scheduler, look, pods } = await begin(job({ activeDeadlineSeconds: 2 }, "work:1-slow"));
  await scheduler.advanceBy(1_900);
  assert.equal((await look()).active, 1);
  await scheduler.advanceBy(60_000);
  assert.deepEqual((await look()).conditions, ["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
  assert.equal((await pods()).length, 0);
});

test("an ended Job goes when its time to live is over, and its pods with it", async () => {
  const { client, scheduler } = await begin(job({ ttlSecondsAfterFinished: 30 }));
  await scheduler.advanceBy(20_000);
  assert.equal((await client.list(Job)).items.length, 1);
  await scheduler.advanceBy(20_000);
  assert.equal(
    (await client.list(Job)).items.filter(({ metadata }) => !metadata.deletionTimestamp).length,
    0,
  );
});

test("a suspended Job has no pods until it is resumed", async () => {
  const { client, scheduler, look, pods } = await begin(job({ suspend: true }));
  await scheduler.advanceBy(5000);
  assert.equal((await pods()).length, 0);
  assert.deepEqual((await look()).conditions, ["Suspended JobSuspended"]);
  await client.patch(Job, ref, { type: "merge", body: { spec: { suspend: false } } });
  await scheduler.advanceBy(5000);
  assert.equal((await look()).succeeded, 1);
});

test("a Job that asks for what is not implemented is told so by name, and not run", async () => {
  const wishes = [
    { completionMode: "Indexed", completions: 2 },
    { podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }] } },
  ];
  for (const wish of wishes) {
    const { client, scheduler, pods } = await begin(job(wish as Partial<Job["spec"]>));
    await scheduler.runUntilIdle();
    assert.equal((await pods()).length, 0);
    const [event] = (await client.list(Event)).items;
    assert.equal(event?.reason, "NotImplemented");
    assert.match(event?.message ?? "", new RegExp(Object.keys(wish)[0] ?? ""));
  }
});

test("a Job that another controller looks after is left to it", async () => {
  const { scheduler, pods } = await begin(job({ managedBy: "example.org/queue" } as Partial<Job["spec"]>));
  await scheduler.runUntilIdle();
  assert.equal((await pods()).length, 0);
});
