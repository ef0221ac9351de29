import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOf } from "../../../testing/tree.ts";
import type { Replacement } from "./kustomization.ts";
import { renderKustomization } from "./kustomize.ts";

const files = {
  "app/d.yaml": JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 1,
      template: {
        metadata: { labels: { a: "b" } },
        spec: {
          containers: [
            { name: "c", image: "shop:1", env: [{ name: "A", value: "x" }] },
            { name: "d", image: "other:2" },
          ],
        },
      },
    },
  }),
  "app/c.yaml": JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "cfg" },
    data: { a: "3", host: "h.example:80", n: "word" },
  }),
};

async function build(...replacements: readonly Replacement[]): Promise<unknown> {
  const kustomization = { namePrefix: "p-", resources: ["d.yaml", "c.yaml"], replacements };
  const tree = await treeOf({ ...files, "app/kustomization.yaml": JSON.stringify(kustomization) });
  const manifests = await renderKustomization(tree, "app");
  return manifests.map(({ manifest }) => manifest).find(({ kind }) => kind === "Deployment");
}

const from = (fieldPath: string, more: object = {}) => ({
  kind: "ConfigMap",
  name: "cfg",
  fieldPath,
  ...more,
});
const to = (path: string, options: object = {}) => [
  { select: { kind: "Deployment" }, fieldPaths: [path], options },
];

test("replacements copy fields, as kustomize 5.8.1 does", async () => {
  const built = await build(
    { source: from("data.a"), targets: to("spec.template.metadata.labels.version", { create: true }) },
    { source: from("data.a"), targets: to("spec.replicas") },
    {
      source: from("data.host", { options: { delimiter: ":", index: 0 } }),
      targets: to("spec.template.spec.containers.[name=c].env.[name=A].value"),
    },
    {
      source: from("data.n"),
      targets: to("spec.template.spec.containers.*.image", { delimiter: ":", index: 1 }),
    },
    {
      source: { kind: "ConfigMap", name: "cfg" },
      targets: to("metadata.annotations.x\\.y/z", { create: true }),
    },
  );
  assert.deepEqual(built, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "p-web", annotations: { "x.y/z": "p-cfg" } },
    spec: {
      replicas: 3,
      template: {
        // ⚠ A field that is made takes the bare text, which YAML reads as a number.
        metadata: { labels: { a: "b", version: 3 } },
        spec: {
          containers: [
            { name: "c", image: "shop:word", env: [{ name: "A", value: "h.example" }] },
            { name: "d", image: "other:word" },
          ],
        },
      },
    },
  });
});

const mistakes: readonly (readonly [Replacement, RegExp])[] = [
  [{ source: from("data.a", { name: "nope" }), targets: [] }, /nothing selected by ConfigMap.*\/nope/],
  [{ source: from("data.zz"), targets: to("spec.replicas") }, /fieldPath `data\.zz` is missing/],
  [
    { source: from("data.a"), targets: to("spec.foo.bar") },
    /unable to find field "spec\.foo\.bar" in replacement target/,
  ],
  [{ targets: [] }, /must specify a source/],
];
for (const [replacement, expected] of mistakes) {
  test(`a replacement that cannot be made is told: ${expected.source}`, async () => {
    await assert.rejects(build(replacement), expected);
  });
}
