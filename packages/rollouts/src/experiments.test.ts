import assert from "node:assert/strict";
import { test } from "node:test";
import { customErrors } from "@tracegate/kube";
import { crds } from "./crds.ts";

test("the kind Experiment is there to be listed, and an Experiment is refused by name", () => {
  const version = crds.find(({ spec }) => spec.names.kind === "Experiment")?.spec.versions[0];
  assert.ok(version?.served);
  const experiment = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Experiment",
    metadata: { name: "e", namespace: "shop" },
    spec: { duration: "1m", templates: [] },
  };
  const errors = customErrors({ version, namespaced: true }, experiment);
  assert.match(errors.map(({ detail }) => detail).join(), /Experiments are not run here/);
});
