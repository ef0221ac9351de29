import assert from "node:assert/strict";
import { test } from "node:test";
import type { Application } from "@tracegate/gitops";
import { applicationLines } from "./listener.ts";

const application = (name: string, sync?: string): Application =>
  ({
    metadata: { name },
    status: sync === undefined ? {} : { sync: { status: sync }, health: { status: "Healthy" } },
  }) as Application; // what is shown of it

test("Applications are shown with their state, in lines that fit the terminal", () => {
  const applications = ["hotrod", "otel", "traffic-generator"].map((name) => application(name, "Synced"));
  assert.deepEqual(applicationLines({ applications }, 100), [
    "Applications: hotrod Synced/Healthy   otel Synced/Healthy   traffic-generator Synced/Healthy",
  ]);
  assert.deepEqual(applicationLines({ applications }, 80), [
    "Applications: hotrod Synced/Healthy   otel Synced/Healthy",
    "              traffic-generator Synced/Healthy",
  ]);
  assert.deepEqual(applicationLines({ applications: [application("a")] }), [
    "Applications: a Unknown/Unknown",
  ]);
  assert.deepEqual(applicationLines({ applications: [] }), ["Applications:"]);
});
