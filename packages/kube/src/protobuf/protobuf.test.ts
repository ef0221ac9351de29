import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { encodeProtobufBody, recordedRequests } from "../../testing/index.ts";
import { isObject, type JsonObject } from "../json.ts";
import { builtInGroupVersions } from "../schema/built-in-resources.ts";
import { builtInType } from "../schema/built-in-types.ts";
import { decodeTyped } from "../schema/typed-object.ts";
import type { StructType, ValueType } from "../schema/value-type.ts";
import { decodeProtobuf, openProtobufBody, ProtobufError } from "./decode.ts";

function roundTrip(type: StructType, object: JsonObject): JsonObject {
  const bytes = encodeProtobufBody(String(object["apiVersion"]), String(object["kind"]), object);
  return decodeTyped(type, decodeProtobuf(type, openProtobufBody(bytes))).object;
}

/** The recordings stand words for times and numbers; a typed form needs real ones. */
const real = (object: JsonObject): JsonObject =>
  JSON.parse(JSON.stringify(object).replaceAll('"TIME"', '"2024-05-06T07:08:09Z"'));

test("every recorded object of a built-in kind survives protobuf", () => {
  let seen = 0;
  for (const { name, response } of recordedRequests()) {
    const { body } = response;
    if (!isObject(body) || typeof body["kind"] !== "string" || !isObject(body["metadata"])) continue;
    const type = builtInType(String(body["apiVersion"]), body["kind"]);
    if (type === undefined || body["kind"] === "Status") continue;
    const { object } = decodeTyped(type, real(body));
    assert.deepEqual(roundTrip(type, object), object, name);
    seen++;
  }
  assert.ok(seen > 60, String(seen));
});

/** Any value of a type, a few levels deep. */
function anyValue(type: ValueType, depth: number): fc.Arbitrary<unknown> {
  switch (type.type) {
    case "list":
      return fc.array(anyValue(type.item, depth), { maxLength: depth > 0 ? 2 : 0 });
    case "map":
      return fc.dictionary(fc.string(), anyValue(type.value, depth), { minKeys: 1, maxKeys: 2 });
    case "struct":
      return depth > 0 ? structOf(type, depth - 1) : fc.constant({});
    case "any":
      return freeValue(type.raw);
    case "scalar":
      return {
        string: fc.string(),
        bool: fc.boolean(),
        int32: fc.integer(),
        int64: fc.maxSafeInteger(),
        float64: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
        bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
        time: fc.integer({ min: 1 }).map((s) => `${new Date(s * 1000).toISOString().slice(0, 19)}Z`),
        microTime: fc.integer({ min: 1 }).map((s) => `${new Date(s).toISOString().slice(0, 23)}456Z`),
        quantity: fc.integer().map((n) => `${n}m`),
        intOrString: fc.oneof(fc.integer(), fc.string()),
      }[type.scalar];
  }
}

function freeValue(raw: string | undefined): fc.Arbitrary<unknown> {
  const schema = fc.constant({ type: "string", maxLength: 3 });
  if (raw === "JSONSchemaPropsOrBool") return fc.oneof(fc.boolean(), schema);
  if (raw === "JSONSchemaPropsOrArray") return fc.oneof(schema, fc.array(schema, { minLength: 1 }));
  if (raw === "JSONSchemaPropsOrStringArray") return fc.array(fc.string(), { minLength: 1 });
  return fc.constant({ any: ["thing", 1] });
}

function structOf(type: StructType, depth: number): fc.Arbitrary<JsonObject> {
  const fields = [...type.fields.values()].map((field) => [field.name, anyValue(field.type, depth)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] });
}

/** Protobuf does not tell an empty list from none. */
function withoutEmptyLists(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, member) => (Array.isArray(member) && member.length === 0 ? null : member)),
  );
}

for (const [apiVersion, kind] of [
  ["v1", "Pod"],
  ["v1", "Secret"],
  ["v1", "Event"],
  ["apps/v1", "Deployment"],
  ["coordination.k8s.io/v1", "Lease"],
  ["networking.k8s.io/v1", "Ingress"],
  ["authorization.k8s.io/v1", "SubjectAccessReview"],
  ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
] as const) {
  test(`any ${kind} survives protobuf`, () => {
    const type = builtInType(apiVersion, kind);
    assert.ok(type);
    fc.assert(
      fc.property(structOf(type, 5), (value) => {
        const { object } = decodeTyped(type, { ...value, apiVersion, kind });
        assert.deepEqual(withoutEmptyLists(roundTrip(type, object)), withoutEmptyLists(object));
      }),
      { numRuns: 30 },
    );
  });
}

test("every field of every kind but what an object within another says it is has a place on the wire", () => {
  const seen = new Set<StructType>();
  const visit = (type: ValueType): void => {
    if (type.type === "list") visit(type.item);
    if (type.type === "map") visit(type.value);
    if (type.type !== "struct" || seen.has(type)) return;
    seen.add(type);
    for (const field of type.fields.values()) {
      const named = field.name === "kind" || field.name === "apiVersion";
      assert.ok(
        field.protoPath !== undefined || (named && type.goType.endsWith("PersistentVolumeClaim")),
        `${type.goType}.${field.name}`,
      );
      visit(field.type);
    }
  };
  for (const { resources } of builtInGroupVersions()) {
    for (const { group, version, kind } of resources) {
      const type = builtInType(group === "" ? version : `${group}/${version}`, kind);
      if (type !== undefined) visit(type);
    }
  }
});

test("arbitrary bytes are decoded or refused, never anything else", () => {
  const type = builtInType("v1", "Pod");
  assert.ok(type);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => {
      try {
        decodeProtobuf(type, { apiVersion: "v1", kind: "Pod", raw });
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error));
      }
    }),
  );
  assert.throws(() => openProtobufBody(new Uint8Array([1, 2])), ProtobufError);
});

const SAMPLES = new URL("./testdata/", import.meta.url);

for (const file of readdirSync(SAMPLES).filter((name) => name.endsWith(".pb"))) {
  test(`${file}: bytes that Go wrote are the object that Go wrote as JSON`, () => {
    const body = openProtobufBody(readFileSync(new URL(file, SAMPLES)));
    const type = builtInType(body.apiVersion, body.kind);
    assert.ok(type);
    const { object, unknown } = decodeTyped(type, decodeProtobuf(type, body));
    const json = JSON.parse(readFileSync(new URL(file.replace(/pb$/, "json"), SAMPLES), "utf8"));
    assert.deepEqual(unknown, []);
    // Compared as text: the order of members is Go's too.
    assert.equal(JSON.stringify(object), JSON.stringify(json));
  });
}
