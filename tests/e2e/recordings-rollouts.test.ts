import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { firstDifference, loadScenario, recordedHistory, replay } from "../recordings/rollouts.ts";
import { differences } from "../recordings/rollouts-differences.ts";

const names = readdirSync(new URL("../recordings/rollouts", import.meta.url))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

for (const name of names) {
  const scenario = loadScenario(name);
  const known = differences[name];
  test(`${name}: ${scenario.about}`, async () => {
    const found = firstDifference(await replay(scenario), recordedHistory(scenario));
    if (known === undefined) return assert.equal(found, undefined);
    assert.ok(
      found?.startsWith(known.first),
      `listed as differing by "${known.first}", but: ${found ?? "it agrees; take it off the list"}`,
    );
  });
}

test("every listed difference is of a scenario", () => {
  for (const name of Object.keys(differences)) assert.ok(names.includes(name), name);
});
