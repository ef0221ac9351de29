import assert from "node:assert/strict";
import { test } from "node:test";
import { shopWorld } from "../../../testing/shop-world.ts";
import { getRollout } from "./objects.ts";

test("a Rollout that is asked for in the wrong namespace is told with the right one", async () => {
  const { client } = await shopWorld();
  const named = (namespace: string, name: string) => getRollout(client, { namespace, name });
  assert.equal((await named("shop", "web")).metadata.name, "web");
  await assert.rejects(
    named("default", "web"),
    /^ProblemError: there is no Rollout "web" in the namespace default\. It is in shop: add -n shop$/,
  );
  await assert.rejects(named("shop", "nope"), /rollouts\.argoproj\.io "nope" not found/);
});
