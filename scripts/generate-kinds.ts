// Writes packages/kube/src/generated/kubernetes.gen.json: what the built-in kinds of Kubernetes look like (resources,
// types, list keys, patch strategies, defaults, protobuf numbers), read from a Kubernetes source tree.
//
//   node scripts/node24.js scripts/generate-kinds.ts DIR
//
// DIR is a checkout of kubernetes/kubernetes or the unpacked Go module k8s.io/kubernetes@v1.X.Y. Its staging modules
// (k8s.io/api and others) are taken from DIR/staging, or, since the Go module has none, through `go mod download`.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiName } from "../packages/kube/src/openapi/schema-name.ts";
import { type GoPackage, type GoStruct, parseGoPackage } from "./kinds/go-types.ts";
import { type OpenApiProperty, type OpenApiSchema, readOpenApi } from "./kinds/openapi.ts";

/** Group versions whose resources are described, in the order of discovery. */
const GROUP_VERSIONS: readonly [group: string, versions: readonly string[]][] = [
  ["", ["v1"]],
  ["apiregistration.k8s.io", ["v1"]],
  ["apps", ["v1"]],
  ["events.k8s.io", ["v1"]],
  ["authentication.k8s.io", ["v1"]],
  ["authorization.k8s.io", ["v1"]],
  ["autoscaling", ["v2", "v1"]],
  ["batch", ["v1"]],
  ["networking.k8s.io", ["v1"]],
  ["policy", ["v1"]],
  ["rbac.authorization.k8s.io", ["v1"]],
  ["storage.k8s.io", ["v1"]],
  ["apiextensions.k8s.io", ["v1"]],
  ["scheduling.k8s.io", ["v1"]],
  ["coordination.k8s.io", ["v1"]],
  ["discovery.k8s.io", ["v1"]],
];

/** Bodies that are no resources of their own. */
const EXTRA_TYPES = [
  "meta/v1.DeleteOptions",
  "meta/v1.ListMeta",
  "meta/v1.Status",
  "autoscaling/v1.Scale",
  "policy/v1.Eviction",
  "authentication/v1.TokenRequest",
];

interface Resource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  group?: string;
  version?: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  storageVersionHash?: string;
}

const directory = process.argv[2];
if (directory === undefined) {
  console.error("usage: generate-kinds.ts KUBERNETES_SOURCE_DIRECTORY");
  process.exit(2);
}
const version = readVersion(directory);
const packages = readPackages(directory, version);
const schemas = readOpenApi(join(directory, "api/openapi-spec/v3"));
const groups = GROUP_VERSIONS.map(([name, versions]) => ({
  name,
  versions: versions.map((v) => ({ version: v, resources: readResources(directory, name, v) })),
}));
const roots = groups.flatMap((group) =>
  group.versions.flatMap(({ version: v, resources }) =>
    resources.map((r) => `${packageOf(r.group ?? group.name)}/${r.version ?? v}.${r.kind}`),
  ),
);
const { structs, named } = describeTypes([...roots, ...EXTRA_TYPES]);
const target = new URL("../packages/kube/src/generated/kubernetes.gen.json", import.meta.url);
writeFileSync(target, `${render({ version, groups, structs, named })}\n`);
console.log(`${Object.keys(structs).length} types, ${roots.length} resources → ${target.pathname}`);

/** The package that holds a group's types: the first part of its name. */
function packageOf(group: string): string {
  return group === "" ? "core" : (group.split(".")[0] ?? group);
}

function readVersion(root: string): string {
  const named = /@v(\d+\.\d+\.\d+)$/.exec(root.replace(/\/$/, ""))?.[1] ?? process.argv[3];
  if (named === undefined) throw new Error("give the version (1.X.Y) after the directory");
  return named;
}

function readPackages(root: string, kubernetes: string): Map<string, GoPackage> {
  const api = moduleDirectory(root, kubernetes, "api");
  const machinery = moduleDirectory(root, kubernetes, "apimachinery");
  const found = new Map<string, GoPackage>();
  const add = (key: string, path: string) => {
    if (existsSync(path)) found.set(key, parseGoPackage(key, path));
  };
  for (const [group, versions] of GROUP_VERSIONS) {
    for (const v of versions) add(`${packageOf(group)}/${v}`, join(api, packageOf(group), v));
  }
  add("meta/v1", join(machinery, "pkg/apis/meta/v1"));
  add("runtime", join(machinery, "pkg/runtime"));
  add("types", join(machinery, "pkg/types"));
  const extensions = moduleDirectory(root, kubernetes, "apiextensions-apiserver");
  add("apiextensions/v1", join(extensions, "pkg/apis/apiextensions/v1"));
  const aggregator = moduleDirectory(root, kubernetes, "kube-aggregator");
  add("apiregistration/v1", join(aggregator, "pkg/apis/apiregistration/v1"));
  return found;
}

function moduleDirectory(root: string, kubernetes: string, name: string): string {
  const staged = join(root, "staging/src/k8s.io", name);
  if (existsSync(staged)) return staged;
  const module = `k8s.io/${name}@v0.${kubernetes.split(".").slice(1).join(".")}`;
  const answer: unknown = JSON.parse(
    execFileSync("go", ["mod", "download", "-json", module], { encoding: "utf8" }),
  );
  if (typeof answer === "object" && answer !== null && "Dir" in answer) return String(answer.Dir);
  throw new Error(`no directory for ${module}`);
}

function readResources(root: string, group: string, v: string): Resource[] {
  const file = group === "" ? `api__${v}.json` : `apis__${group}__${v}.json`;
  const list = JSON.parse(readFileSync(join(root, "api/discovery", file), "utf8"));
  return list.resources;
}

/** Every type reachable from the roots; what has its own JSON form (Time, Quantity, …) is left to the readers. */
function describeTypes(wanted: readonly string[]): {
  structs: Record<string, unknown>;
  named: Record<string, string>;
} {
  const structs: Record<string, unknown> = {};
  const named: Record<string, string> = {};
  const queue = [...new Set(wanted)];
  const seen = new Set<string>(queue);
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const dot = name.lastIndexOf(".");
    const source = packages.get(name.slice(0, dot));
    const struct = source?.structs.get(name.slice(dot + 1));
    const alias = source?.named.get(name.slice(dot + 1));
    if (struct !== undefined) structs[name] = describeStruct(name, struct);
    else if (alias !== undefined) named[name] = alias;
    for (const mentioned of [...(struct?.fields.map((f) => f.type) ?? []), alias ?? ""]) {
      for (const [reference] of mentioned.matchAll(/[\w/]+\.\w+/g)) {
        if (!seen.has(reference)) {
          seen.add(reference);
          queue.push(reference);
        }
      }
    }
  }
  return { structs: sortKeys(structs), named: sortKeys(named) };
}

function describeStruct(name: string, struct: GoStruct): unknown {
  const schema: OpenApiSchema = schemas.get(openApiName(name)) ?? {};
  const isRequired = new Set(schema.required ?? []);
  const fields = struct.fields.map((field) => {
    const type = field.type;
    if (field.inline)
      return { inline: type, ...(field.number === undefined ? {} : { number: field.number }) };
    const property: OpenApiProperty = schema.properties?.[field.json] ?? {};
    return {
      name: field.json,
      type,
      number: field.number,
      protoName: field.protoName === field.json ? undefined : field.protoName,
      pointer: field.pointer || undefined,
      omitEmpty: field.omitEmpty || undefined,
      omitZero: field.omitZero || undefined,
      required: isRequired.has(field.json) || undefined,
      listType: property["x-kubernetes-list-type"],
      listKeys: property["x-kubernetes-list-map-keys"],
      mapType: property["x-kubernetes-map-type"],
      patch: property["x-kubernetes-patch-strategy"],
      mergeKey: property["x-kubernetes-patch-merge-key"],
      default: isTrivial(property.default) ? undefined : property.default,
    };
  });
  return { mapType: schema["x-kubernetes-map-type"], fields };
}

/** Defaults that only say that a Go value is never absent. */
function isTrivial(value: unknown): boolean {
  return (
    value === undefined ||
    value === "" ||
    value === 0 ||
    value === false ||
    (typeof value === "object" && value !== null && Object.keys(value).length === 0)
  );
}

function sortKeys<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One line a type and a resource, so that a new version of Kubernetes shows as a readable difference. */
function render(data: {
  version: string;
  groups: unknown;
  structs: Record<string, unknown>;
  named: Record<string, string>;
}): string {
  const lines = Object.entries(data.structs).map(
    ([name, s]) => `  ${JSON.stringify(name)}: ${JSON.stringify(s)}`,
  );
  return [
    "{",
    `"source": "Kubernetes ${data.version} (Apache License 2.0), see NOTICE",`,
    `"version": ${JSON.stringify(data.version)},`,
    `"groups": ${JSON.stringify(data.groups).replaceAll('{"name":', '\n  {"name":')},`,
    `"named": ${JSON.stringify(data.named)},`,
    `"structs": {\n${lines.join(",\n")}\n}`,
    "}",
  ].join("\n");
}
