import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRequest, recordedRequests } from "../../testing/index.ts";
import { isObject, type JsonObject, objectAt } from "../json.ts";
import { fieldComplaints, strictDecodingError } from "../schema/decode-body.ts";
import type { CustomResourceDefinition } from "../types/apiextensions.ts";
import { invalidStatus } from "../validation/field-error.ts";
import { withCustomDefaults } from "./defaults.ts";
import { pruneCustom } from "./prune.ts";
import type { Schema } from "./schema.ts";
import { customErrors } from "./validate.ts";

const KIND = { group: "conf.example", version: "v1", kind: "Paint" };
// The recorded definition is one.
const definition = recordedRequest("crd/create").request.body as CustomResourceDefinition;
const version = definition.spec.versions[0];
assert.ok(version?.schema);
const schema = version.schema.openAPIV3Schema as Schema;
const rules = { version, namespaced: true };

const creations = recordedRequests().filter(
  ({ name, request }) => name.startsWith("cr/") && request.method === "POST" && isObject(request.body),
);

for (const { name, request, response } of creations) {
  test(`${name}: the answer is that of kube-apiserver`, () => {
    const sent = request.body as JsonObject;
    const { object, unknown } = pruneCustom(schema, sent);
    const complaints = fieldComplaints(unknown, []);
    if (request.path.includes("fieldValidation=Strict")) {
      assert.deepEqual(
        JSON.parse(JSON.stringify(strictDecodingError(KIND, complaints).status)),
        response.body,
      );
      return;
    }
    const metadata = { ...objectAt(object, "metadata"), namespace: "conf" };
    const made = withCustomDefaults(schema, { ...object, metadata });
    const errors = customErrors(rules, made);
    assert.ok(isObject(response.body));
    if (response.code === 201) {
      assert.deepEqual(errors, []);
      if (!name.includes("status")) assert.deepEqual(made["spec"], response.body["spec"]);
      assert.equal(
        complaints.map((text) => `299 - ${JSON.stringify(text)}`).join(", ") || undefined,
        response.warning,
      );
    } else {
      const { message, details } = invalidStatus(KIND, String(objectAt(made, "metadata")?.["name"]), errors);
      assert.equal(message, response.body["message"]);
      assert.deepEqual(details, response.body["details"]);
    }
  });
}

test("what was wrong before and did not change is let through on update", () => {
  const make = (spec: JsonObject) => ({
    apiVersion: "conf.example/v1",
    kind: "Paint",
    metadata: { name: "a", namespace: "n" },
    spec,
  });
  const before = make({ color: "green", name: "TOOLONG", replicas: 1 });
  assert.deepEqual(customErrors(rules, make({ color: "green", name: "TOOLONG", replicas: 2 }), before), []);
  assert.equal(customErrors(rules, make({ color: "green", name: "TOOLONG2" }), before).length, 2);
});

test("combinations are told as upstream tells them", () => {
  const either: Schema = {
    type: "object",
    properties: { x: { type: "integer" } },
    oneOf: [{ required: ["a"] }, { required: ["b"] }],
  };
  const object = { metadata: { name: "a", namespace: "n" }, spec: {} };
  const found = customErrors(
    {
      namespaced: true,
      version: { schema: { openAPIV3Schema: { type: "object", properties: { spec: either } } } },
    },
    object,
  );
  assert.equal(
    invalidStatus({ group: "", kind: "K" }, "a", found).message,
    'K "a" is invalid: [<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid, ' +
      "spec.a: Required value]",
  );
});

test("transition rules hold for updates", () => {
  const openAPIV3Schema = {
    type: "object",
    properties: {
      spec: {
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
      },
    },
  } as const;
  const immutable = { namespaced: true, version: { schema: { openAPIV3Schema } } };
  const make = (x: number) => ({ metadata: { name: "a", namespace: "n" }, spec: { x } });
  assert.deepEqual(customErrors(immutable, make(1)), []);
  const errors = customErrors(immutable, make(2), make(1));
  assert.deepEqual(errors, [
    { reason: "FieldValueInvalid", field: "spec", value: "object", detail: "is immutable" },
  ]);
});

test("metadata of a custom resource has the form of metadata", () => {
  const object = { apiVersion: "conf.example/v1", kind: "Paint", metadata: { name: "a", labels: { a: 1 } } };
  assert.throws(() => pruneCustom(schema, object), {
    message:
      'Paint in version "v1" cannot be handled as a Paint: ' +
      "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
  });
  const extra = { ...object, metadata: { name: "a", nope: 1 } };
  assert.deepEqual(pruneCustom(schema, extra), {
    object: { ...object, metadata: { name: "a" } },
    unknown: ["metadata.nope"],
  });
});
