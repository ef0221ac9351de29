import assert from "node:assert/strict";
import { test } from "node:test";
import { isObject, type JsonObject, objectAt } from "../json.ts";
import { builtInGroupVersions } from "../schema/built-in-resources.ts";
import { openApiDocument, openApiIndex } from "./document.ts";
import { emptySwaggerProtobuf } from "./swagger.ts";

function at(object: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), object);
}

const documentOf = (group: string, version: string): JsonObject => {
  const found = builtInGroupVersions().find((gv) => gv.group === group && gv.version === version);
  assert.ok(found);
  return openApiDocument(group, version, found.resources);
};

test("PATCH of every kind that can be patched declares fieldValidation", () => {
  for (const { group, version, resources } of builtInGroupVersions()) {
    const paths = Object.values(objectAt(openApiDocument(group, version, resources), "paths") ?? {});
    for (const { kind } of resources.filter(({ verbs }) => verbs.includes("patch"))) {
      const patch = paths
        .map((path) => at(path, "patch"))
        .find((operation) => at(operation, "x-kubernetes-group-version-kind", "kind") === kind);
      assert.match(JSON.stringify(at(patch, "parameters")), /"fieldValidation"/, kind);
    }
  }
});

test("schemas carry the keys by which lists are merged", () => {
  const schemas = at(documentOf("apps", "v1"), "components", "schemas");
  const podSpec = at(schemas, "io.k8s.api.core.v1.PodSpec", "properties");
  assert.equal(at(podSpec, "containers", "x-kubernetes-patch-merge-key"), "name");
  assert.equal(at(podSpec, "volumes", "x-kubernetes-patch-strategy"), "merge,retainKeys");
  const deployment = at(schemas, "io.k8s.api.apps.v1.Deployment", "x-kubernetes-group-version-kind");
  assert.deepEqual(deployment, [{ group: "apps", kind: "Deployment", version: "v1" }]);
});

test("every reference leads to a schema", () => {
  for (const { group, version, resources } of builtInGroupVersions()) {
    const document = openApiDocument(group, version, resources);
    const schemas = at(document, "components", "schemas");
    for (const [, name = ""] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(isObject(schemas) && Object.hasOwn(schemas, name), name);
    }
  }
});

test("custom resources are described by their own schema", () => {
  const document = openApiDocument("conf.example", "v1", [
    {
      group: "conf.example",
      version: "v1",
      kind: "Paint",
      plural: "paints",
      singular: "paint",
      namespaced: true,
      verbs: ["get", "patch"],
      shortNames: [],
      categories: [],
      subresources: [],
      schema: { type: "object", properties: { spec: { type: "object" } } },
    },
  ]);
  const schema = at(document, "components", "schemas", "example.conf.v1.Paint");
  assert.deepEqual(at(schema, "properties", "spec"), { type: "object" });
  assert.ok(at(document, "paths", "/apis/conf.example/v1/namespaces/{namespace}/paints/{name}", "patch"));
});

test("the index names a document per group version", () => {
  const index = openApiIndex(
    [
      { group: "", version: "v1" },
      { group: "apps", version: "v1" },
    ],
    () => "H",
  );
  assert.deepEqual(index, {
    paths: {
      "api/v1": { serverRelativeURL: "/openapi/v3/api/v1?hash=H" },
      "apis/apps/v1": { serverRelativeURL: "/openapi/v3/apis/apps/v1?hash=H" },
    },
  });
});

test("the protobuf document of version 2 is the smallest that clients accept", () => {
  const hex = Buffer.from(emptySwaggerProtobuf()).toString("hex");
  assert.equal(hex, "0a03322e3012100a0a4b756265726e6574657312027631" + "4200");
});
