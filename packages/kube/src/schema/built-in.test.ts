import assert from "node:assert/strict";
import { test } from "node:test";
import { builtInGroupVersions } from "./built-in-resources.ts";
import { builtInType } from "./built-in-types.ts";
import type { StructType, ValueType } from "./value-type.ts";

test("pods are described with their subresources", () => {
  const core = builtInGroupVersions().find(({ group }) => group === "");
  const pods = core?.resources.find(({ plural }) => plural === "pods");
  assert.equal(pods?.kind, "Pod");
  assert.deepEqual(pods?.shortNames, ["po"]);
  assert.ok(pods?.subresources.some(({ name }) => name === "ephemeralcontainers"));
});

test("containers are merged by name, their ports by number under patches and by number and protocol under apply", () => {
  const podSpec = builtInType("v1", "Pod")?.fields.get("spec")?.type;
  assert.ok(podSpec?.type === "struct");
  const containers = podSpec.fields.get("containers")?.type;
  assert.ok(containers?.type === "list" && containers.item.type === "struct");
  assert.deepEqual(containers.keys, ["name"]);
  const ports = containers.item.fields.get("ports")?.type;
  assert.ok(ports?.type === "list");
  assert.deepEqual(ports.keys, ["containerPort", "protocol"]);
  assert.equal(ports.strategic?.mergeKey, "containerPort");
  assert.equal(containers.goType, "[]v1.Container");
});

test("fields of inlined messages know their way on the wire", () => {
  const podSpec = builtInType("v1", "Pod")?.fields.get("spec")?.type;
  assert.ok(podSpec?.type === "struct");
  const volumes = podSpec.fields.get("volumes")?.type;
  assert.ok(volumes?.type === "list" && volumes.item.type === "struct");
  assert.deepEqual(volumes.item.fields.get("configMap")?.protoPath, [2, 19]);
});

test("every type of the tables can be read", () => {
  const seen = new Set<StructType>();
  const visit = (type: ValueType): void => {
    if (type.type === "list") visit(type.item);
    if (type.type === "map") visit(type.value);
    if (type.type !== "struct" || seen.has(type)) return;
    seen.add(type);
    for (const field of type.fields.values()) visit(field.type);
  };
  let kinds = 0;
  for (const { group, version, resources } of builtInGroupVersions()) {
    for (const { kind } of resources) {
      const type = builtInType(group === "" ? version : `${group}/${version}`, kind);
      assert.ok(type, `${group}/${version} ${kind}`);
      visit(type);
      kinds++;
    }
  }
  assert.ok(kinds > 50 && seen.size > 300);
});
