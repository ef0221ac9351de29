import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOf } from "../../../testing/tree.ts";
import { listAt, type Manifest, stringAt, valueAt } from "../../manifest.ts";
import { contentHash } from "./generators.ts";
import { renderKustomization } from "./kustomize.ts";
import { parseImage } from "./overlay.ts";
import { changedImage } from "./transformers.ts";

const deployment = JSON.stringify({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "c", image: "registry/web:1", envFrom: [{ configMapRef: { name: "cfg" } }] }],
        imagePullSecrets: [{ name: "reg" }],
      },
    },
  },
});

async function build(files: Record<string, string>, folder = "app"): Promise<Manifest[]> {
  return (await renderKustomization(await treeOf(files), folder)).map(({ manifest }) => manifest);
}

async function failure(files: Record<string, string>): Promise<string> {
  const error = await build(files).then(
    () => assert.fail("the build should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  return error.message.replace(
    /^`kustomize build <path to cached source>\/app` failed exit status 1: Error: /,
    "",
  );
}

test("an overlay wraps names, changes images and replicas, and references follow", async () => {
  const [config, web] = (
    await build({
      "base/d.yaml": deployment,
      "base/kustomization.yaml":
        "resources: [d.yaml]\nnamePrefix: b-\nconfigMapGenerator: [{name: cfg, literals: [a=1, b=two]}]\n",
      "app/kustomization.yaml":
        "resources: [../base]\nnamePrefix: o-\nnameSuffix: -z\nnamespace: team\nimages: [{name: registry/web, newTag: '7'}]\nreplicas: [{name: web, count: 4}]\n",
    })
  ).sort((a, b) => (a.kind < b.kind ? -1 : 1));
  assert.equal(config?.metadata.name, "o-b-cfg-z-5m9tg7g54f");
  assert.equal(web?.metadata.name, "o-b-web-z");
  assert.equal(web?.metadata.namespace, "team");
  assert.equal(valueAt(web, "spec", "replicas"), 4);
  const [container] = listAt(web, "spec", "template", "spec", "containers");
  assert.equal(stringAt(container, "image"), "registry/web:7");
  assert.equal(stringAt(listAt(container, "envFrom")[0], "configMapRef", "name"), "o-b-cfg-z-5m9tg7g54f");
  // Not in the build, so not touched.
  assert.equal(stringAt(listAt(web, "spec", "template", "spec", "imagePullSecrets")[0], "name"), "reg");
});

test("hash suffixes are kustomize's own", () => {
  const map = (data?: Record<string, string>, more: object = {}) =>
    contentHash({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "x" },
      ...(data && { data }),
      ...more,
    });
  assert.equal(map({ a: "1", b: "two" }), "5m9tg7g54f");
  assert.equal(map(), "6ct58987ht");
  assert.equal(map({ a: "<b>&é" }), "2c27d2449m");
  assert.equal(
    map(undefined, {
      binaryData: {
        "b.bin": Buffer.concat([Buffer.from([0xff, 0xfe, 0]), Buffer.from("bin")]).toString("base64"),
      },
    }),
    "8dcm75c5gk",
  );
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
  assert.equal(
    contentHash({ ...secret, type: "Opaque", data: { pw: Buffer.from("x").toString("base64") } }),
    "b287528h4m",
  );
  assert.equal(
    contentHash({ ...secret, type: "kubernetes.io/tls", data: { k: Buffer.from("v").toString("base64") } }),
    "8d9db26b4d",
  );
});

test("a JSON patch of an overlay reaches a custom resource, whose lists are replaced whole by a merge patch", async () => {
  const rollout =
    "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: echo}\nspec: {replicas: 2, list: [{name: a}, {name: b}]}\n";
  const [patched] = await build({
    "base/r.yaml": rollout,
    "base/kustomization.yaml": "resources: [r.yaml]\n",
    "app/kustomization.yaml":
      "resources: [../base]\nnamespace: echo-prod\npatches:\n- target: {kind: Rollout}\n  patch: |\n    - {op: replace, path: /spec/replicas, value: 4}\n- patch: |\n    {apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: echo}, spec: {list: [{name: a, x: 1}]}}\n",
  });
  assert.equal(patched?.metadata.namespace, "echo-prod");
  assert.deepEqual(patched?.["spec"], { replicas: 4, list: [{ name: "a", x: 1 }] });
});

test("a strategic merge patch merges containers by name and can delete an object", async () => {
  const manifests = await build({
    "app/d.yaml": deployment,
    "app/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone}\n",
    "app/kustomization.yaml":
      "resources: [d.yaml, c.yaml]\npatches:\n- path: p.yaml\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: gone}, $patch: delete}'\n",
    "app/p.yaml":
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: c, image: patched}, {name: side, image: s}]}}}\n",
  });
  assert.equal(manifests.length, 1);
  const containers = listAt(manifests[0], "spec", "template", "spec", "containers");
  assert.deepEqual(
    containers.map((container) => [stringAt(container, "name"), stringAt(container, "image")]).sort(),
    [
      ["c", "patched"],
      ["side", "s"],
    ],
  );
  assert.ok(
    containers.some((container) => listAt(container, "envFrom").length === 1),
    "what the patch does not name stays",
  );
});

test("commonLabels go into selectors and templates, of built-in kinds only", async () => {
  const manifests = await build({
    "app/d.yaml": deployment,
    "app/s.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}}\n",
    "app/r.yaml":
      "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {selector: {matchLabels: {app: r}}}\n",
    "app/kustomization.yaml": "resources: [d.yaml, s.yaml, r.yaml]\ncommonLabels: {env: prod}\n",
  });
  const [web, service, rollout] = manifests;
  assert.deepEqual(valueAt(web, "spec", "selector", "matchLabels"), { app: "web", env: "prod" });
  assert.deepEqual(valueAt(web, "spec", "template", "metadata", "labels"), { app: "web", env: "prod" });
  assert.deepEqual(valueAt(service, "spec", "selector"), { app: "web", env: "prod" });
  assert.deepEqual(valueAt(rollout, "spec", "selector", "matchLabels"), { app: "r" });
  assert.deepEqual(rollout?.metadata.labels, { env: "prod" });
});

test("labels reach claim templates, job templates, and the selectors of affinity", async () => {
  const kind = (name: string, spec: object, apiVersion = "apps/v1") =>
    JSON.stringify({ apiVersion, kind: name, metadata: { name: "x" }, spec });
  const term = { topologyKey: "zone", labelSelector: { matchLabels: { app: "web" } } };
  const spec = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  const built = await build({
    "app/a.yaml": kind("StatefulSet", {
      template: { metadata: {}, spec },
      volumeClaimTemplates: [{ metadata: { name: "d" } }],
    }),
    "app/b.yaml": kind("CronJob", { jobTemplate: { spec: { template: { spec: {} } } } }, "batch/v1"),
    "app/kustomization.yaml": "resources: [a.yaml, b.yaml]\ncommonLabels: {l: '1'}\n",
  });
  const set = built.find(({ kind }) => kind === "StatefulSet");
  const cron = built.find(({ kind }) => kind === "CronJob");
  assert.deepEqual(valueAt(listAt(set, "spec", "volumeClaimTemplates")[0], "metadata", "labels"), { l: "1" });
  assert.deepEqual(
    valueAt(
      listAt(
        ...([set, "spec", "template", "spec", "affinity", "podAntiAffinity"] as const),
        "requiredDuringSchedulingIgnoredDuringExecution",
      )[0],
      ...["labelSelector", "matchLabels"],
    ),
    { app: "web", l: "1" },
  );
  assert.deepEqual(valueAt(cron, "spec", "jobTemplate", "metadata", "labels"), { l: "1" });
});

test("subjects follow ServiceAccounts of their namespace only", async () => {
  const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa}\n";
  const [binding] = (
    await build({
      "app/sa.yaml": account,
      "app/rb.yaml":
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: rb}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\nsubjects: [{kind: ServiceAccount, name: sa}, {kind: ServiceAccount, name: sa, namespace: other}]\n",
      "app/kustomization.yaml": "resources: [sa.yaml, rb.yaml]\nnamePrefix: p-\nnamespace: team\n",
    })
  ).filter(({ kind }) => kind === "RoleBinding");
  assert.deepEqual(listAt(binding, "subjects"), [
    { kind: "ServiceAccount", name: "p-sa", namespace: "team" },
    { kind: "ServiceAccount", name: "sa", namespace: "other" },
  ]);
});

test("words are text in resources", async () => {
  const [config] = await build({
    "app/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: yes, b: off, c: n}\n",
    "app/kustomization.yaml": "resources: [c.yaml]\n",
  });
  assert.deepEqual(valueAt(config, "data"), { a: "yes", b: "off", c: "n" });
});

test("mistakes are told in kustomize's words", async () => {
  const app = (text: string) => ({ "app/kustomization.yaml": text, "app/x.txt": "" });
  assert.equal(await failure(app("foo: 1\n")), 'invalid Kustomization: json: unknown field "foo"');
  assert.equal(
    await failure(app("helmCharts: []\n")),
    "the kustomization field 'helmCharts' is not supported",
  );
  assert.equal(
    await failure(app("namespace: n\n")),
    "invalid Kustomization: json: cannot unmarshal bool into Go struct field Kustomization.namespace of type string",
  );
  assert.equal(
    await failure(app("images: [{name: a, tagSuffix: x}]\n")),
    "the kustomization field 'images[].tagSuffix' is not supported",
  );
  assert.equal(
    await failure(app("patches: [{patc: x}]\n")),
    'invalid Kustomization: json: unknown field "patc"',
  );
  assert.equal(await failure(app("")), "kustomization.yaml is empty");
  assert.equal(
    await failure({
      ...app(
        "resources: [d.yaml]\npatches: [{patch: '[{op: replace, path: /spec/nope/x, value: 1}]', target: {kind: Deployment}}]\n",
      ),
      "app/d.yaml": deployment,
    }),
    "replace operation does not apply: doc is missing path: /spec/nope/x: missing value",
  );
  assert.match(
    await failure(app("resources: [../app]\n")),
    /cycle detected: candidate root '<path to cached source>\/app'/,
  );
  assert.match(
    await failure(app("resources: ['https://example.org/x']\n")),
    /remote resource .* is not supported/,
  );
});

test("a file outside the kustomization's folder is refused, and nothing outside the repository can be named", async () => {
  const files = { "secret.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\n" };
  assert.match(
    await failure({ ...files, "app/kustomization.yaml": "resources: [../secret.yaml]\n" }),
    /security; file '<path to cached source>\/secret.yaml' is not in or below/,
  );
  assert.match(
    await failure({ ...files, "app/kustomization.yaml": "resources: [../../../etc]\n" }),
    /no such file or directory/,
  );
});

test("images match by their whole name", () => {
  const change = (image: string, override: string) => changedImage(image, [parseImage(override)]);
  assert.equal(change("web:1", "web:2"), "web:2");
  assert.equal(change("web:1", "web=other/web:2"), "other/web:2");
  assert.equal(change("webs:1", "web:2"), "webs:1");
  assert.equal(change("host:5000/web:1", "host:5000/web:3"), "host:5000/web:3");
  assert.equal(change("web@sha256:abc", "web:2"), "web:2");
});

test("labels of an Application go beside selectors when told so, and replace those of the file only by force", async () => {
  const tree = await treeOf({
    "app/d.yaml": deployment,
    "app/kustomization.yaml": "resources: [d.yaml]\ncommonLabels: {env: test}\n",
  });
  const [plain] = await renderKustomization(tree, "app", {
    commonLabels: { team: "a" },
    labelWithoutSelector: true,
  });
  assert.deepEqual(plain?.manifest.metadata.labels, { env: "test", team: "a" });
  assert.deepEqual(valueAt(plain?.manifest, "spec", "selector", "matchLabels"), { app: "web", env: "test" });
  const taken = { commonLabels: { env: "prod" } };
  await assert.rejects(renderKustomization(tree, "app", taken), /label env already in kustomization file/);
  const [forced] = await renderKustomization(tree, "app", { ...taken, forceCommonLabels: true });
  assert.equal(forced?.manifest.metadata.labels?.["env"], "prod");
});
