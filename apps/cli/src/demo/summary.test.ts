import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvidencePackage } from "@tracegate/evidence";
import { painter } from "../painter.ts";
import { summary } from "./summary.ts";

/** Of an evidence package, what a summary reads. */
function evidence(outcomes: readonly ("pass" | "fail" | "cannot tell")[], value: string): EvidencePackage {
  return {
    verdict: "no-go",
    release: { namespace: "shop", rollout: "shop", revision: 2, images: ["local/shop:2"] },
    judgement: { outcome: "cannot tell", reasons: ["traffic: every answer was empty or NaN"] },
    gates: outcomes.map((outcome, index) => ({
      metric: `gate-${index}`,
      verdict: { outcome, reasons: [] },
      asked: { successCondition: "result[0] > 0" },
      measurements: [{ value, phase: "Failed" }],
    })),
  } as unknown as EvidencePackage; // the rest is not read
}

test("where no gate found anything, the summary asks what is missing, and shows that nothing was measured", () => {
  const blind = summary(evidence(["cannot tell", "cannot tell"], "[]"), "/e", painter(false));
  assert.match(blind, /^NO-GO {2}shop\/shop revision 2 \(local\/shop:2\) was taken back/);
  assert.match(blind, /gate-0 +cannot tell +result\[0\] > 0 +nothing$/m);
  assert.match(blind, /No gate found anything to judge by\. Did the canary get requests/);
  assert.match(blind, /Evidence: \/e\/README\.md\n$/);
});

test("where a gate could tell, nothing is asked", () => {
  const told = summary(evidence(["cannot tell", "fail"], "[0.5]"), "/e", painter(false));
  assert.match(told, /gate-1 +fail +result\[0\] > 0 +0\.5$/m);
  assert.doesNotMatch(told, /No gate found anything/);
});
