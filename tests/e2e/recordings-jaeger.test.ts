import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceLine } from "../recordings/difference.ts";
import { recordingsFolder } from "../recordings/files.ts";
import { runJaeger } from "../recordings/jaeger.ts";

test("Jaeger's query API answers as recorded", async (t) => {
  let count = 0;
  for await (const { name, differences } of runJaeger(recordingsFolder, [])) {
    count++;
    await t.test(name, () => assert.deepEqual(differences.map(differenceLine), []));
  }
  assert.ok(count > 20);
});
