import assert from "node:assert/strict";
import { test } from "node:test";
import { builtInKinds } from "./kinds.ts";
import type { Manifest } from "./manifest.ts";
import { reconcileWords } from "./rbac-reconcile.ts";

const kindOf = (name: string) => {
  const kind = builtInKinds.find(({ kind }) => kind === name);
  assert.ok(kind);
  return kind as Parameters<typeof reconcileWords>[0]; // a kind of manifests
};
const of = (kind: string, fields: object, metadata: object = {}): Manifest =>
  ({
    apiVersion: kind === "ConfigMap" ? "v1" : "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name: "x", ...metadata },
    ...fields,
  }) as Manifest; // made above
const rule = { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] };
const subject = { kind: "ServiceAccount", name: "a", namespace: "n" };
const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" };

test("only roles and bindings are reconciled before they are applied", () => {
  assert.deepEqual(reconcileWords(kindOf("ConfigMap"), of("ConfigMap", {}), undefined, false), []);
});

test("a role that is made tells its rules; one that lacks some tells each of their parts", () => {
  const role = of("Role", { rules: [rule] });
  assert.deepEqual(reconcileWords(kindOf("Role"), role, undefined, false), [
    "role.rbac.authorization.k8s.io/x reconciled",
    "reconciliation required create\n\tmissing rules added:\n\t\t{Verbs:[get list] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}",
  ]);
  assert.deepEqual(reconcileWords(kindOf("Role"), role, role, true), [
    "role.rbac.authorization.k8s.io/x reconciled (dry run)",
  ]);
  const less = of("Role", { rules: [{ ...rule, verbs: ["get"] }] });
  assert.deepEqual(reconcileWords(kindOf("Role"), role, less, false)[1]?.split("\n"), [
    "reconciliation required update",
    "\tmissing rules added:",
    "\t\t{Verbs:[list] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}",
  ]);
  const more = of("Role", { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] });
  assert.equal(reconcileWords(kindOf("Role"), role, more, false).length, 1);
});

test("a binding tells the subjects it lacks, and is made anew for another role", () => {
  const binding = of("RoleBinding", { roleRef, subjects: [subject] });
  assert.deepEqual(reconcileWords(kindOf("RoleBinding"), binding, of("RoleBinding", { roleRef }), false), [
    "rolebinding.rbac.authorization.k8s.io/x reconciled",
    "reconciliation required update\n\tmissing subjects added:\n\t\t{Kind:ServiceAccount APIGroup: Name:a Namespace:n}",
  ]);
  const other = of("RoleBinding", { roleRef: { ...roleRef, name: "other" }, subjects: [subject] });
  assert.equal(
    reconcileWords(kindOf("RoleBinding"), binding, other, false)[1],
    "reconciliation required recreate",
  );
});

test("labels and annotations that are missing are reconciled, others left alone; objects may opt out", () => {
  const target = of("Role", {}, { labels: { a: "1" } });
  const words = (metadata: object) =>
    reconcileWords(kindOf("Role"), target, of("Role", {}, metadata), false).slice(1);
  assert.deepEqual(words({}), ["reconciliation required update"]);
  assert.deepEqual(words({ labels: { a: "2" } }), []);
  assert.deepEqual(words({ annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } }), [
    "reconciliation required update, but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)",
  ]);
});
