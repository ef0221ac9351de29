import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRequest, recordedRequests } from "../../testing/index.ts";
import { isObject, type JsonObject, objectAt } from "../json.ts";
import { builtInType } from "../schema/built-in-types.ts";
import { customType } from "../schema/custom-type.ts";
import { decodeTyped, emptyObject } from "../schema/typed-object.ts";
import type { StructType } from "../schema/value-type.ts";
import { isStatusError } from "../status.ts";
import { fromFieldsV1, toFieldsV1 } from "./field-set.ts";
import { serverSideApply, trackUpdate } from "./server-side-apply.ts";

const CONFIG_MAP = typeOf("v1", "ConfigMap");
const DEPLOYMENT = typeOf("apps/v1", "Deployment");
const NOW = "2024-01-01T00:00:00Z";
const META = { uid: "u", resourceVersion: "1" };

function typeOf(apiVersion: string, kind: string): StructType {
  const type = builtInType(apiVersion, kind);
  assert.ok(type);
  return type;
}

function bodyOf(name: string): JsonObject {
  const { body } = recordedRequest(name).response;
  assert.ok(isObject(body));
  return body;
}

/** With times as the recordings show them. */
const managedFields = (object: JsonObject): unknown =>
  JSON.parse(
    (JSON.stringify(objectAt(object, "metadata")?.["managedFields"]) ?? "null").replaceAll(NOW, "TIME"),
  );

/** Applies as a server does: what is stored is the typed form of the merge. */
function apply(
  type: StructType,
  live: JsonObject,
  manager: string,
  applied: JsonObject,
  force = false,
): JsonObject {
  const apiVersion = String(applied["apiVersion"]);
  const { object } = serverSideApply(type, live, applied, {
    manager,
    apiVersion,
    subresource: "",
    time: NOW,
    force,
  });
  const metadata = { ...objectAt(object, "metadata"), ...META };
  return type.schemaName === undefined
    ? { ...object, metadata }
    : decodeTyped(type, { ...object, metadata }).object;
}

test("the recorded conversation of appliers comes out the same", () => {
  let live = emptyObject(CONFIG_MAP, "v1", "ConfigMap");
  const names = [
    "apply/create",
    "apply/conflict",
    "apply/force",
    "apply/drop-field",
    "apply/shared",
    "apply/name-mismatch",
  ];
  for (const name of names) {
    const { request, response } = recordedRequest(name);
    const query = new URL(request.path, "http://x").searchParams;
    const applied = request.body;
    assert.ok(isObject(applied) && isObject(response.body));
    const named = { ...applied, metadata: { name: "ssa" } };
    const run = () =>
      apply(CONFIG_MAP, live, query.get("fieldManager") ?? "", named, query.get("force") === "true");
    if (response.code >= 400) {
      assert.throws(run, (error) => {
        assert.ok(isStatusError(error));
        assert.deepEqual(JSON.parse(JSON.stringify(error.status)), response.body);
        return true;
      });
    } else {
      live = run();
      assert.deepEqual(live["data"], response.body["data"], name);
      assert.deepEqual(managedFields(live), managedFields(response.body), name);
    }
  }
});

test("appliers of a Deployment own the elements they name", () => {
  let live = emptyObject(DEPLOYMENT, "apps/v1", "Deployment");
  for (const [name, manager] of [
    ["apply/deployment", "one"],
    ["apply/deployment-env", "two"],
  ] as const) {
    const applied = recordedRequest(name).request.body;
    assert.ok(isObject(applied));
    live = apply(DEPLOYMENT, live, manager, applied);
    assert.deepEqual(managedFields(live), managedFields(bodyOf(name)), name);
  }
});

test("elements of a custom resource's keyed list are merged", () => {
  const crd = recordedRequest("crd/create").request.body;
  assert.ok(isObject(crd));
  const versions = objectAt(crd, "spec")?.["versions"];
  assert.ok(Array.isArray(versions));
  const type = customType(versions[0].schema.openAPIV3Schema);
  let live: JsonObject = { apiVersion: "conf.example/v1", kind: "Paint" };
  for (const [name, manager] of [
    ["cr/apply", "one"],
    ["cr/apply-list", "two"],
  ] as const) {
    const applied = recordedRequest(name).request.body;
    assert.ok(isObject(applied));
    live = apply(type, live, manager, applied);
    assert.deepEqual(managedFields(live), managedFields(bodyOf(name)), name);
  }
  assert.deepEqual(objectAt(live, "spec")?.["list"], [
    { k: "a", v: 3 },
    { k: "b", v: 4 },
  ]);
});

test("what cannot be applied is refused with the recorded text", () => {
  const { request, response } = recordedRequest("apply/unknown-field");
  assert.ok(isObject(request.body) && isObject(response.body));
  const applied = request.body;
  assert.throws(() => apply(CONFIG_MAP, emptyObject(CONFIG_MAP, "v1", "ConfigMap"), "one", applied), {
    message: response.body["message"],
  });
});

test("a recorded create or update leaves the recorded managedFields", () => {
  let compared = 0;
  for (const { name, request, response } of recordedRequests()) {
    const body = response.body;
    if (request.method !== "POST" || response.code !== 201 || !isObject(body)) continue;
    const entries = managedFields(body);
    const type = builtInType(String(body["apiVersion"]), String(body["kind"]));
    if (type === undefined || !Array.isArray(entries) || entries.length !== 1) continue;
    // What the server itself adds after the fields were recorded.
    if (/service|job$|daemonset|namespace|events/.test(name)) continue;
    const live = emptyObject(type, String(body["apiVersion"]), String(body["kind"]));
    // Admission writes after the fields were recorded.
    const spec = objectAt(body, "spec");
    if (spec !== undefined && body["kind"] === "Pod") {
      for (const added of ["priority", "preemptionPolicy", "tolerations"]) delete spec[added];
    }
    const { managedFields: _, uid: __, ...metadata } = objectAt(body, "metadata") ?? {};
    const tracked = trackUpdate(
      type,
      live,
      { ...body, metadata },
      {
        manager: "unknown",
        apiVersion: String(body["apiVersion"]),
        subresource: "",
        time: "TIME",
        ignored: "status" in body ? [["status"]] : [],
      },
    );
    const recorded = entries[0].fieldsV1;
    const found = tracked?.[0]?.fieldsV1;
    assert.deepEqual(found, recorded, name);
    compared++;
  }
  assert.ok(compared > 15, String(compared));
});

test("a field that is written by other means moves to its writer", () => {
  const writer = { manager: "w", apiVersion: "v1", subresource: "", time: "2" };
  const live = apply(CONFIG_MAP, emptyObject(CONFIG_MAP, "v1", "ConfigMap"), "one", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "x" },
    data: { a: "1", b: "1" },
  });
  const tracked = trackUpdate(CONFIG_MAP, live, { ...live, data: { a: "2", b: "1" } }, writer);
  assert.deepEqual(
    tracked?.map(({ manager, fieldsV1 }) => [manager, fieldsV1]),
    [
      ["one", { "f:data": { "f:b": {} } }],
      ["w", { "f:data": { "f:a": {} } }],
    ],
  );
});

test("every recorded FieldsV1 survives reading and writing", () => {
  const text = JSON.stringify(recordedRequests());
  const sets = [...text.matchAll(/"fieldsV1":/g)];
  assert.ok(sets.length > 50);
  for (const { response } of recordedRequests()) {
    const entries = isObject(response.body) ? managedFields(response.body) : undefined;
    if (!Array.isArray(entries)) continue;
    for (const { fieldsV1 } of entries) assert.deepEqual(toFieldsV1(fromFieldsV1(fieldsV1)), fieldsV1);
  }
});
