import assert from "node:assert/strict";
import { test } from "node:test";
import { type KubeObject, type ResourceClient, StatusError } from "@tracegate/kube";
import { RolloutWorld } from "../testing/rollout-world.ts";
import { rolloutController } from "./controller.ts";
import type { RolloutStatus } from "./types.ts";

test("a ReplicaSet that the API refuses is shown, and tried again", async () => {
  const { rollout, now } = new RolloutWorld({ strategy: { canary: {} } });
  const refusal = new StatusError({ code: 403, reason: "Forbidden", message: "exceeded quota: few" });
  const statuses: RolloutStatus[] = [];
  const told: string[] = [];
  const client = {
    get: () => Promise.resolve(rollout),
    list: () => Promise.resolve({ items: [] }),
    create: () => Promise.reject(refusal),
    patch: (_kind: unknown, _ref: unknown, { body }: { body: { status?: RolloutStatus } }) => {
      if (body.status !== undefined) statuses.push(body.status);
      return Promise.resolve(rollout);
    },
  } as unknown as ResourceClient; // all that this pass uses
  const controller = rolloutController({
    client,
    clock: { now: () => now, after: () => Promise.resolve() },
    events: {
      event: (_about: KubeObject, type, reason, message) =>
        void told.push(`${type} ${reason}: ${message.replace(/web-\w+/, "RS")}`),
    },
  });
  await assert.rejects(
    async () => controller.reconcile({ namespace: "default", name: "web" }, new AbortController().signal),
    /exceeded quota/,
  );
  assert.deepEqual(told.slice(1), [
    'Warning ReplicaSetCreateError: Failed to create new replica set "RS": exceeded quota: few',
  ]);
  const [progressing] = statuses[0]?.conditions ?? [];
  assert.deepEqual([progressing?.status, progressing?.reason], ["False", "ReplicaSetCreateError"]);
});
