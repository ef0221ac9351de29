import assert from "node:assert/strict";
import { test } from "node:test";
import { demo } from "../support/demo.ts";
import { missingTools } from "../support/tools.ts";

const skip = missingTools("git", "curl", "unshare", "ip");

test("the job at the source's pace ends with the same verdict", { skip }, async (t) => {
  const { code, output, evidence } = await demo(t, "--timing", "source");
  assert.equal(code, 0, output);
  assert.equal(evidence.verdict, "go");
});
