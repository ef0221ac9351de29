import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRequests } from "../../testing/index.ts";
import { isObject, type JsonObject, objectAt } from "../json.ts";
import { builtInType } from "../schema/built-in-types.ts";
import { decodeTyped } from "../schema/typed-object.ts";
import { withBuiltInDefaults } from "./built-in-defaults.ts";
import { prepareForCreate } from "./creation.ts";

/** What admission and allocators add, which are not defaults. */
const ADDED = [
  "tolerations",
  "priority",
  "preemptionPolicy",
  "clusterIP",
  "clusterIPs",
  "ipFamilies",
  "ipFamilyPolicy",
];

for (const { name, request, response } of recordedRequests().filter((entry) =>
  entry.name.startsWith("defaults/"),
)) {
  test(`${name}: what is stored is what kube-apiserver stored`, () => {
    const { body } = request;
    assert.ok(isObject(body) && isObject(response.body));
    const type = builtInType(String(body["apiVersion"]), String(body["kind"]));
    assert.ok(type);
    const namespace = request.path.includes("/namespaces/") ? { namespace: "conf" } : {};
    const metadata = { ...objectAt(body, "metadata"), uid: "UID", ...namespace };
    const typed = decodeTyped(type, { ...body, metadata }).object;
    const made = withBuiltInDefaults(type, prepareForCreate(withBuiltInDefaults(type, typed)));
    assert.deepEqual(bare(made), bare(response.body));
    const again = withBuiltInDefaults(type, made);
    assert.equal(JSON.stringify(again), JSON.stringify(made), "defaulting twice changes nothing");
  });
}

function bare(object: JsonObject): JsonObject {
  const { managedFields, resourceVersion, creationTimestamp, generation, ...metadata } =
    objectAt(object, "metadata") ?? {};
  const spec = objectAt(object, "spec");
  const kept = Object.entries(spec ?? {}).filter(([key]) => !ADDED.includes(key));
  return { ...object, metadata, ...(spec === undefined ? {} : { spec: Object.fromEntries(kept) }) };
}

test("members are written in the order in which Go writes them", () => {
  const type = builtInType("v1", "Pod");
  assert.ok(type);
  const pod = {
    spec: { restartPolicy: "Never", containers: [{ image: "a", name: "b" }] },
    metadata: {},
    kind: "Pod",
  };
  const { object } = decodeTyped(type, pod);
  assert.deepEqual(Object.keys(object), ["kind", "metadata", "spec", "status"]);
  assert.equal(
    JSON.stringify(object["spec"]),
    '{"containers":[{"name":"b","image":"a","resources":{}}],"restartPolicy":"Never"}',
  );
});
