import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRequest, recordedRequests } from "../../testing/index.ts";
import { compileCel } from "../cel/evaluate.ts";
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

test("rules know the operators and functions that CRDs use", () => {
  const cases: [string, object, boolean][] = [
    ["self.a == 1 ? self.b : !self.b", { a: 1, b: true }, true],
    ["has(self.a) && self.a.size() > 0 || size(self.b) == 2", { b: [1, 2] }, true],
    ["self.list.all(x, x.n in ['a', \"b\"])", { list: [{ n: "a" }, { n: "b" }] }, true],
    ["self.list.exists_one(x, x > 1) && self.list.map(x, x * 2) == [2, 4]", { list: [1, 2] }, true],
    ["self.list.filter(x, x > 1).size() == 1", { list: [1, 2] }, true],
    ["self.s.matches('^[a-z]+$') && self.s.startsWith('a') && !self.s.contains('z')", { s: "abc" }, true],
    ["type(self.v) == string ? self.v.endsWith('%') : self.v >= 0", { v: "25%" }, true],
    ["self.missing == 1 || self.a == 1", { a: 1 }, true],
    ["7 / 2 == 3 && -7 % 4 == -3 && 1 + 2 * 3 == 7", {}, true],
    ["self.__namespace__ == 'x' && self.a__dash__b == 1", { namespace: "x", "a-b": 1 }, true],
    ["duration(self.d) > duration('1m')", { d: "90s" }, true],
    ["quantity(self.q).isLessThan(quantity('1Gi'))", { q: "1G" }, true],
    ["{'a': 1}['a'] == 1 && self == oldSelf", {}, false],
  ];
  for (const [rule, self, expected] of cases) {
    assert.equal(compileCel(rule).evaluate({ self, oldSelf: 0 }), expected, rule);
  }
  assert.throws(() => compileCel("self.x.frobnicate()"), {
    message: "undeclared reference to 'frobnicate' (in container '')",
  });
  assert.throws(() => compileCel("self.x =="), /unexpected end of expression/);
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
