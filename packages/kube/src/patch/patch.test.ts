import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { builtInType } from "../schema/built-in-types.ts";
import type { StructType } from "../schema/value-type.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge.ts";

const POD = typeOf("v1", "Pod");
const DEPLOYMENT = typeOf("apps/v1", "Deployment");

function typeOf(apiVersion: string, kind: string): StructType {
  const type = builtInType(apiVersion, kind);
  assert.ok(type);
  return type;
}

const pod = (spec: object) => ({ spec, metadata: { finalizers: ["a"] } });
const names = (list: unknown) => (Array.isArray(list) ? list.map((item) => item.name ?? item) : list);

test("JSON patch operations do what RFC 6902 says", () => {
  const document = { a: [1, 2], b: { "c/d": 1 } };
  const patched = applyJsonPatch(document, [
    { op: "test", path: "/b/c~1d", value: 1 },
    { op: "add", path: "/a/-", value: 3 },
    { op: "add", path: "/a/0", value: 0 },
    { op: "remove", path: "/a/1" },
    { op: "move", from: "/b", path: "/e" },
    { op: "copy", from: "/e/c~1d", path: "/f" },
    { op: "replace", path: "/f", value: { x: 1 } },
  ]);
  assert.deepEqual(patched, { a: [0, 2, 3], e: { "c/d": 1 }, f: { x: 1 } });
  assert.deepEqual(document, { a: [1, 2], b: { "c/d": 1 } });
});

test("JSON patches that cannot be applied are refused with 422", () => {
  const bad = [
    { op: "test", path: "/a", value: 2 },
    { op: "remove", path: "/x" },
    { op: "replace", path: "/x/y", value: 1 },
    { op: "add", path: "/x/y", value: 1 },
    { op: "add", path: "a", value: 1 },
  ] as const;
  for (const operation of bad) {
    assert.throws(() => applyJsonPatch({ a: 1 }, [operation]), {
      message: "the server rejected our request due to an error in our request",
    });
  }
});

test("replacing a missing member adds it, as in kube-apiserver", () => {
  assert.deepEqual(applyJsonPatch({}, [{ op: "replace", path: "/x", value: 1 }]), { x: 1 });
});

test("merge patches delete by null and replace lists", () => {
  assert.deepEqual(applyMergePatch({ a: { b: 1, c: [1] } }, { a: { b: null, c: [2], d: { e: null } } }), {
    a: { c: [2], d: {} },
  });
});

test("a merge patch of a document onto anything gives that document", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer()));
  const document = fc.dictionary(fc.string(), fc.oneof(leaf, fc.dictionary(fc.string(), leaf)));
  fc.assert(
    fc.property(document, (wanted) => {
      assert.deepEqual(applyMergePatch({}, wanted), JSON.parse(JSON.stringify(wanted)));
    }),
  );
});

test("containers merge by name, and new ones come first", () => {
  const before = pod({
    containers: [{ name: "a", image: "1", env: [{ name: "X", value: "1" }] }, { name: "b" }],
  });
  const patched = applyStrategicMergePatch(
    before,
    {
      spec: {
        containers: [
          { name: "c", image: "3" },
          { name: "a", env: [{ name: "Y", value: "2" }] },
        ],
      },
    },
    POD,
  );
  const { containers } = patched["spec"] as { containers: { env: unknown }[] };
  assert.deepEqual(names(containers), ["c", "a", "b"]);
  assert.deepEqual(names(containers[1]?.env), ["Y", "X"]);
});

test("finalizers are a set; values are removed by directive", () => {
  const added = applyStrategicMergePatch(pod({}), { metadata: { finalizers: ["b"] } }, POD);
  assert.deepEqual((added["metadata"] as { finalizers: unknown }).finalizers, ["b", "a"]);
  const removed = applyStrategicMergePatch(
    pod({}),
    { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } },
    POD,
  );
  assert.deepEqual((removed["metadata"] as { finalizers: unknown }).finalizers, []);
});

test("directives delete, replace, order and retain", () => {
  const before = { containers: [{ name: "a" }, { name: "b" }], tolerations: [{ key: "x" }] };
  const patch = (spec: object) =>
    applyStrategicMergePatch(pod(before), { spec }, POD)["spec"] as typeof before;
  assert.deepEqual(names(patch({ containers: [{ name: "a", $patch: "delete" }] }).containers), ["b"]);
  assert.deepEqual(names(patch({ containers: [{ name: "c" }, { $patch: "replace" }] }).containers), ["c"]);
  assert.deepEqual(patch({ tolerations: [{ key: "y" }] }).tolerations, [{ key: "y" }]);
  const ordered = patch({
    "$setElementOrder/containers": [{ name: "new" }, { name: "b" }],
    containers: [{ name: "new", image: "i" }],
  });
  assert.deepEqual(names(ordered.containers), ["new", "a", "b"]);
  const strategy = applyStrategicMergePatch(
    { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } },
    { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
    DEPLOYMENT,
  );
  assert.deepEqual(strategy, { spec: { strategy: { type: "Recreate" } } });
});

test("an element without its key is refused with upstream's words", () => {
  assert.throws(
    () =>
      applyStrategicMergePatch(
        pod({ containers: [{ name: "a" }] }),
        { spec: { containers: [{ image: "x" }] } },
        POD,
      ),
    {
      message: "map: map[image:x] does not contain declared merge key: name",
    },
  );
});
