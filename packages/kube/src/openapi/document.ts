import { isObject, type JsonObject } from "../json.ts";
import type { Resource, Subresource } from "../schema/built-in-resources.ts";
import { kubernetesVersion } from "../schema/built-in-resources.ts";
import { builtInType, objectMetaType } from "../schema/built-in-types.ts";
import type { StructType } from "../schema/value-type.ts";
import { openApiName } from "./schema-name.ts";
import { addTypeSchema, type Schemas } from "./type-schema.ts";

/** A resource of a document: a built-in one with its type, or a custom one with its structural schema. */
export type DescribedResource = Resource & { readonly type?: StructType; readonly schema?: JsonObject };

/**
 * The OpenAPI v3 document of a group version: what kubectl reads before it writes (does PATCH know `fieldValidation`? which
 * keys merge lists?) and what `kubectl explain` shows. Descriptions of built-in kinds are left out.
 */
export function openApiDocument(
  group: string,
  version: string,
  resources: readonly DescribedResource[],
): JsonObject {
  const schemas: Schemas = new Map();
  const paths: JsonObject = {};
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  for (const resource of resources) {
    const schemaName = addKindSchema(schemas, resource);
    addPaths(paths, root, resource, schemaName);
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: `v${kubernetesVersion()}` },
    paths,
    components: { schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

/** The root of `/openapi/v3`: where each group version's document lies. `hashOf` names its content, for caches. */
export function openApiIndex(
  groupVersions: Iterable<{ group: string; version: string }>,
  hashOf: (group: string, version: string) => string,
): JsonObject {
  const paths: JsonObject = {};
  for (const { group, version } of groupVersions) {
    const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(group, version)}` };
  }
  return { paths };
}

function addKindSchema(schemas: Schemas, { group, version, kind, type, schema }: DescribedResource): string {
  const extra = { "x-kubernetes-group-version-kind": [{ group, kind, version }] };
  const builtIn = type ?? builtInType(group === "" ? version : `${group}/${version}`, kind);
  if (builtIn !== undefined && schema === undefined) return addTypeSchema(schemas, builtIn, extra);
  const name = customName(group, version, kind);
  addTypeSchema(schemas, objectMetaType());
  schemas.set(name, { ...customSchema(schema ?? {}), ...extra });
  return name;
}

/** `argoproj.io/v1alpha1 Rollout` → `io.argoproj.v1alpha1.Rollout`. */
function customName(group: string, version: string, kind: string): string {
  return [...group.split(".").reverse(), version, kind].join(".");
}

/** A CRD's schema with the members that every object has. */
function customSchema(schema: JsonObject): JsonObject {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const reference = `#/components/schemas/${openApiName("meta/v1.ObjectMeta")}`;
  return {
    ...schema,
    type: "object",
    properties: {
      ...properties,
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { allOf: [{ $ref: reference }] },
    },
  };
}

const BY_VERB: Readonly<Record<string, readonly [method: string, action: string, onCollection: boolean]>> = {
  get: ["get", "get", false],
  update: ["put", "put", false],
  patch: ["patch", "patch", false],
  delete: ["delete", "delete", false],
  list: ["get", "list", true],
  create: ["post", "post", true],
  deletecollection: ["delete", "deletecollection", true],
};

const WRITES = new Set(["put", "post", "patch"]);

function addPaths(paths: JsonObject, root: string, resource: DescribedResource, schemaName: string): void {
  const holder = resource.namespaced ? `${root}/namespaces/{namespace}` : root;
  const collection = `${holder}/${resource.plural}`;
  const kind = { group: resource.group, kind: resource.kind, version: resource.version };
  const parameters = resource.namespaced ? [pathParameter("namespace")] : [];
  addOperations(paths, collection, resource.verbs, true, kind, schemaName, parameters);
  const named = [pathParameter("name"), ...parameters];
  addOperations(paths, `${collection}/{name}`, resource.verbs, false, kind, schemaName, named);
  for (const sub of resource.subresources) {
    addOperations(paths, `${collection}/{name}/${sub.name}`, verbsOf(sub), false, sub, schemaName, named);
  }
  if (resource.namespaced && resource.verbs.includes("list")) {
    addOperations(paths, `${root}/${resource.plural}`, ["list"], true, kind, schemaName, []);
  }
}

/** Creating a subresource is a POST to the one object (eviction, token). */
const verbsOf = ({ verbs }: Subresource): string[] =>
  verbs.map((verb) => (verb === "create" ? "create-one" : verb));

function addOperations(
  paths: JsonObject,
  path: string,
  verbs: readonly string[],
  onCollection: boolean,
  { group, version, kind }: { group: string; version: string; kind: string },
  schemaName: string,
  parameters: readonly JsonObject[],
): void {
  const operations: JsonObject = {};
  for (const verb of verbs) {
    const known = verb === "create-one" ? (["post", "post", false] as const) : BY_VERB[verb];
    if (known === undefined || known[2] !== onCollection) continue;
    const [method, action] = known;
    operations[method] = {
      ...(WRITES.has(method) ? { parameters: writeParameters(method) } : {}),
      ...(method === "patch" ? { requestBody: { content: patchContent(schemaName), required: true } } : {}),
      responses: { "200": { description: "OK", content: jsonContent(schemaName) } },
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": { group, kind, version },
    };
  }
  if (Object.keys(operations).length === 0) return;
  paths[path] = { ...operations, ...(parameters.length === 0 ? {} : { parameters }) };
}

const jsonContent = (schemaName: string): JsonObject => ({
  "application/json": { schema: { $ref: `#/components/schemas/${schemaName}` } },
});

const PATCH_TYPES = ["apply-patch+yaml", "json-patch+json", "merge-patch+json"];

/** Only built-in kinds take strategic merge patches; kubectl chooses by what is said here. */
function patchContent(schemaName: string): JsonObject {
  const types = schemaName.startsWith("io.k8s.")
    ? [...PATCH_TYPES, "strategic-merge-patch+json"]
    : PATCH_TYPES;
  return Object.fromEntries(types.map((type) => [`application/${type}`, { schema: { type: "object" } }]));
}

function writeParameters(method: string): JsonObject[] {
  const text = ["dryRun", "fieldManager", "fieldValidation"].map((name) => queryParameter(name, "string"));
  return method === "patch" ? [...text, queryParameter("force", "boolean")] : text;
}

const queryParameter = (name: string, type: string): JsonObject => ({
  name,
  in: "query",
  schema: { type, uniqueItems: true },
});

const pathParameter = (name: string): JsonObject => ({
  name,
  in: "path",
  required: true,
  schema: { type: "string", uniqueItems: true },
});
