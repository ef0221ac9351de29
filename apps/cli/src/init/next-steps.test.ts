import assert from "node:assert/strict";
import { test } from "node:test";
import { nextSteps } from "./next-steps.ts";

const shop = { name: "shop", image: "local/shop" };
const lines = (how: { isCommitted: boolean; isIsolated: boolean }) => nextSteps(shop, how).split("\n");

test("the next steps stand in columns", () => {
  assert.deepEqual(lines({ isCommitted: true, isIsolated: true }).slice(1, 4), [
    "Next:",
    "  tracegate up                            # runs local/shop:1",
    "  tracegate rollouts status shop -n shop  # from another terminal",
  ]);
});

test("in a repository of the user's own, committing comes first", () => {
  assert.match(
    lines({ isCommitted: false, isIsolated: true })[2] ?? "",
    /^ {2}git add tracegate\.yaml .* git commit/,
  );
});

test("where nothing isolates pods, the starter's traffic has to be allowed", () => {
  assert.match(
    lines({ isCommitted: true, isIsolated: false })[2] ?? "",
    /^ {2}tracegate up --allow-host-commands +# runs/,
  );
});
