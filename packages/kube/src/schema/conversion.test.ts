import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../json.ts";
import { builtInType } from "./built-in-types.ts";
import { convertBuiltIn } from "./conversion.ts";
import { decodeTyped } from "./typed-object.ts";

function typed(object: JsonObject): JsonObject {
  const type = builtInType(String(object["apiVersion"]), String(object["kind"]));
  assert.ok(type);
  return decodeTyped(type, object).object;
}

test("Events of both groups are one object under two names", () => {
  const event = typed({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { kind: "Pod" },
    message: "m",
    count: 2,
    reportingComponent: "r",
    reason: "x",
  });
  const grouped = convertBuiltIn(event, "events.k8s.io/v1");
  assert.deepEqual(
    grouped,
    typed({
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name: "e" },
      regarding: { kind: "Pod" },
      note: "m",
      deprecatedCount: 2,
      reportingController: "r",
      reason: "x",
    }),
  );
  assert.deepEqual(convertBuiltIn(grouped, "v1"), event);
});

test("the cpu target of an autoscaler survives both versions", () => {
  const v1 = typed({
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: {},
    spec: { maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
    status: { currentReplicas: 1, currentCPUUtilizationPercentage: 20 },
  });
  const v2 = convertBuiltIn(v1, "autoscaling/v2");
  assert.deepEqual(v2["spec"], {
    scaleTargetRef: { kind: "", name: "" },
    maxReplicas: 3,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
      },
    ],
  });
  assert.deepEqual(convertBuiltIn(v2, "autoscaling/v1"), v1);
});
