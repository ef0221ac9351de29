import assert from "node:assert/strict";
import { test } from "node:test";
import { comparing } from "./compare/compare.ts";
import { atOnce, inTurns, mapInTurns, objectsATurn } from "./turns.ts";

const object = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

test("large work leaves others their turns, and comes to the same", async () => {
  const targets = Array.from({ length: 10 * objectsATurn }, (_, i) => object(`c${i}`));
  const work = () => comparing({ application: "web", targets, live: [], ignoreDifferences: [] });
  assert.deepEqual(await inTurns(work()), atOnce(work()));
  assert.equal([...work()].length, 10, "a pause after each lot");
});

test("no more than a lot is worked on at once, and answers keep their order", async () => {
  const items = Array.from({ length: 3 * objectsATurn + 1 }, (_, i) => i);
  let now = 0;
  let most = 0;
  let turns = 0;
  const count = () => {
    turns++;
    if (turns < 3) setImmediate(count);
  };
  setImmediate(count);
  const doubled = await mapInTurns(items, async (item) => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    return 2 * item;
  });
  assert.deepEqual(
    doubled,
    items.map((item) => 2 * item),
  );
  assert.equal(most, objectsATurn);
  assert.equal(turns, 3, "others had a turn after each lot but the last");
});
