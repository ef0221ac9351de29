import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceLine } from "../recordings/difference.ts";
import { listedDifferences, unlisted } from "../recordings/differences.ts";
import { recordingsFolder } from "../recordings/files.ts";
import { runKubernetes } from "../recordings/kubernetes.ts";

test("the recorded conversations with kube-apiserver go the same way, but for the listed differences", async () => {
  const unexpected: string[] = [];
  const agreeing = new Set<string>();
  let count = 0;
  for await (const { name, differences } of runKubernetes(recordingsFolder, [])) {
    count++;
    const verdict = unlisted(differences, listedDifferences["kubernetes"]?.[name]);
    unexpected.push(...verdict.unexpected.map((found) => `${name}: ${differenceLine(found)}`));
    if (verdict.gone.length > 0) agreeing.add(name);
  }
  assert.ok(count > 200);
  assert.deepEqual(unexpected, [], "differences that are not listed");
  assert.deepEqual([...agreeing], [], "listed differences that are gone");
});
