import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryGit } from "../../testing/memory-git.ts";
import { treeOf } from "../../testing/tree.ts";
import { deepMerge } from "../applicationset/combining.ts";
import { removeIgnored } from "../compare/ignore-differences.ts";
import { renderDirectory } from "./directory.ts";
import { globExpression } from "./glob.ts";
import { renderKustomization } from "./kustomize/kustomize.ts";
import { renderSource } from "./render.ts";
import { readYaml } from "./yaml-documents.ts";

const object = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

/** What a kustomization in `app/` comes to, as text: nothing hidden can be overlooked in it. */
async function built(kustomization: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const tree = await treeOf({
    "app/kustomization.yaml": kustomization,
    "app/cm.yaml": object("x"),
    ...files,
  });
  return JSON.stringify(await renderKustomization(tree, "app"));
}

const refused = (pattern: RegExp) => ({ name: "SourceError", message: pattern });

test("remote resources, bases and components are refused in every way they can be written", async () => {
  const remotes = [
    "https://example.org/x.yaml",
    "http://127.0.0.1:8001/api",
    "github.com/argoproj/argo-rollouts//manifests/install?ref=v1",
    "gitlab.com/a/b//c",
    "git@example.org:a/b",
    "git::https://example.org/a.git",
    "ssh://git@example.org/a",
    "file:///etc",
    "example.org:a/b?ref=x",
    "s3::https://bucket/x",
    "oci://example.org/x",
    "hg::https://example.org/x",
  ];
  for (const field of ["resources", "bases", "components"]) {
    for (const remote of remotes)
      await assert.rejects(
        built(`${field}: [${JSON.stringify(remote)}]\n`),
        refused(/not supported|no such|unable to find/),
        remote,
      );
  }
});

test("what kustomize would run or fetch is refused by name", async () => {
  const plugin =
    "apiVersion: v1\nkind: Executable\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: ./x}'}}\n";
  for (const field of [
    "helmCharts: [{name: x, repo: https://example.org}]",
    "helmChartInflationGenerator: [{chartName: x}]",
    "helmGlobals: {chartHome: /etc}",
    "generators: [plugin.yaml]",
    "transformers: [plugin.yaml]",
    "validators: [plugin.yaml]",
    "openapi: {path: /etc/passwd}",
    "crds: [/etc/passwd]",
    "configurations: [/etc/passwd]",
    "vars: [{name: X, objref: {kind: Secret, name: s, apiVersion: v1}}]",
  ]) {
    const name = field.slice(0, field.indexOf(":"));
    await assert.rejects(
      built(`${field}\n`, { "app/plugin.yaml": plugin }),
      refused(new RegExp(`the kustomization field '${name}' is not supported`)),
    );
  }
});

test("generators and patches read nothing outside their folder", async () => {
  const secret = { "secret.txt": "s3cret", "app-evil/secret.txt": "s3cret", "base/secret.txt": "s3cret" };
  // The base makes its files known to the build, but not to the overlay.
  const base = { ...secret, "base/kustomization.yaml": "resources: []\n" };
  for (const path of [
    "../secret.txt",
    "../app-evil/secret.txt",
    "../base/secret.txt",
    "./../base/secret.txt",
    "sub/../../base/secret.txt",
    "../../../../etc/passwd",
    "/etc/passwd",
    "/secret.txt",
  ]) {
    const text = JSON.stringify(path);
    for (const field of [
      `replacements: [{path: ${text}}]`,
      `configMapGenerator: [{name: x, files: [${text}]}]`,
      `configMapGenerator: [{name: x, files: [${JSON.stringify(`key=${path}`)}]}]`,
      `configMapGenerator: [{name: x, envs: [${text}]}]`,
      `configMapGenerator: [{name: x, env: ${text}}]`,
      `secretGenerator: [{name: x, files: [${text}]}]`,
      `patches: [{path: ${text}}]`,
      `patchesStrategicMerge: [${text}]`,
      `patchesJson6902: [{path: ${text}, target: {kind: ConfigMap}}]`,
    ]) {
      const kustomization = `resources: [../base, cm.yaml]\n${field}\n`;
      await assert.rejects(
        built(kustomization, base),
        refused(/security; file '.*' is not in or below/),
        field,
      );
    }
    await assert.rejects(built(`resources: [${text}]\n`, base), refused(/security|no such file/), path);
  }
});

test("no path of an Application or of what lies beside its manifests leads out of the repository", async () => {
  const git = memoryGit();
  const commit = git.repository("file:///r").commit({
    "app/a.yaml": object("a"),
    "app/.argocd-source.yaml": "repoURL: file:///etc\npath: ../../etc\ntargetRevision: other\n",
    "helm/Chart.yaml": "name: x\n",
    "jsonnet/a.jsonnet": "importstr '/etc/passwd'",
    "plugin/.argocd-source.yaml": "plugin: {name: x}\n",
    "options/.argocd-source.yaml": "kustomize: {buildOptions: --enable-exec}\n",
    "many/.argocd-source.yaml": "sources: [{repoURL: file:///etc}]\ndirectory: {recurse: true}\n",
    "many/sub/a.yaml": object("b"),
  });
  const render = async (path: string) => {
    const { manifests } = await renderSource(git, { repoURL: "file:///r", path }, commit, "x");
    return manifests.map(({ manifest, file }) => `${manifest.metadata.name} ${file}`);
  };
  for (const path of ["..", "../x", "app/../..", "./../app", "app/../../r/app"])
    await assert.rejects(render(path), refused(/app path outside root/), path);
  for (const path of ["/", "/etc", "//etc"])
    await assert.rejects(render(path), refused(/app path is absolute/), path);
  for (const path of ["app\0", "app\n", "$(id)", "`id`", "app;id"])
    await assert.rejects(render(path), refused(/app path does not exist/), path);
  assert.deepEqual(await render("app"), ["a app/a.yaml"]);
  assert.deepEqual(await render("many"), ["b many/sub/a.yaml"]);
  await assert.rejects(render("helm"), refused(/Helm charts are not supported/));
  await assert.rejects(render("jsonnet"), refused(/a\.jsonnet: Jsonnet is not supported/));
  await assert.rejects(render("plugin"), refused(/source\.plugin is not supported/));
  await assert.rejects(render("options"), refused(/source\.kustomize\.buildOptions is not supported/));
});

test("globs choose among the source's own files, and take no longer for being contrived", async () => {
  const tree = await treeOf({
    "app/a.yaml": object("a"),
    "secret.yaml": object("s"),
    [`app/${"a".repeat(250)}.yaml`]: "",
  });
  const named = async (include: string) =>
    (await renderDirectory(tree, "app", { include, recurse: true })).map(
      ({ manifest }) => manifest.metadata.name,
    );
  for (const include of ["../*", "/**", "../secret.yaml", "{../secret.yaml}"])
    assert.deepEqual(await named(include), []);
  assert.deepEqual(await named("**"), ["a"]);
  for (const contrived of [
    `${"**a".repeat(20)}X`,
    `${"*a".repeat(20)}X`,
    `${"{a,a}".repeat(30)}X`,
    `${"{a*,*a}".repeat(10)}X`,
    `${"{".repeat(5000)}X`,
    "[z-a]*",
    `[${"[".repeat(1000)}`,
  ])
    assert.deepEqual(await named(contrived), [], contrived.slice(0, 20));
  assert.ok(globExpression("**a**b**c{x,y}").test("/a/b/cx"), "many stars still match");
});

test("YAML that explodes, nests or contains itself is refused in one line", () => {
  const doubling = (leaf: string) =>
    [
      `a0: &a0 ${leaf}`,
      ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`),
    ].join("\n");
  const merging = [
    "a0: &a0 {k: v}",
    ...Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} {<<: [${Array(9).fill(`*a${i}`)}]}`),
  ].join("\n");
  const aliases = Array.from({ length: 20_000 }, (_, i) => `a${i}: &a${i} x\nb${i}: *a${i}`).join("\n");
  for (const [what, text, why] of [
    ["billion laughs", doubling("lol"), /alias/i],
    ["merge keys", merging, /alias/i],
    ["many anchors", aliases, /excessive aliasing/],
    ["flow lists", `${"[".repeat(20_000)}${"]".repeat(20_000)}`, /./],
    ["open lists", "[".repeat(20_000), /./],
    ["open maps", "{a: ".repeat(20_000), /./],
    ["dashes", "- ".repeat(20_000), /./],
    ["600 dashes", "- ".repeat(600), /max depth/],
    ["indentation", Array.from({ length: 3000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"), /./],
    ["itself", "a: &a [*a, *a]\n", /./],
    ["itself in a map", "a: &a {b: *a, c: *a}\n", /./],
  ] as const) {
    const { error = "none" } = readYaml(text);
    assert.match(error, /^yaml: /, what);
    assert.match(error, why, what);
    assert.ok(error.length < 200, what);
  }
});

test("tags make nothing but data, keys make no prototypes", async () => {
  for (const text of [
    "!!js/function 'x'",
    "!!python/object/apply:os.system [id]",
    "!ruby/object:Gem {}",
    "!<tag:x> y",
  ])
    for (const { value } of readYaml(`a: ${text}`).documents)
      assert.ok(["string", "object"].includes(typeof (value as { a: unknown }).a));
  const polluting =
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","__proto__":{"polluted":1}},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  await renderDirectory(await treeOf({ "app/a.json": polluting, "app/b.yaml": polluting }), "app");
  for (const patch of [
    polluting,
    '[{"op":"add","path":"/__proto__/polluted","value":1}]',
    '[{"op":"add","path":"/metadata/__proto__","value":{"polluted":1}}]',
    '[{"op":"add","path":"/constructor/prototype/polluted","value":1}]',
    '[{"op":"copy","from":"/metadata","path":"/__proto__"}]',
  ])
    await built(`resources: [cm.yaml]\npatches: [{patch: '${patch}', target: {kind: ConfigMap}}]\n`).catch(
      () => {},
    );
  for (const path of [
    "__proto__.polluted",
    "metadata.__proto__.polluted",
    "constructor.prototype.polluted",
  ]) {
    const target = `{select: {kind: ConfigMap}, fieldPaths: ["${path}"], options: {create: true}}`;
    const source = "{kind: ConfigMap, fieldPath: metadata.name}";
    await built(`resources: [cm.yaml]\nreplacements: [{source: ${source}, targets: [${target}]}]\n`);
  }
  await built("resources: [cm.yaml]\ncommonLabels: {__proto__: x}\ncommonAnnotations: {__proto__: x}\n");
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  const rules = ["/__proto__/polluted", "/__proto__/toString", "/constructor/prototype/toString"];
  const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
  removeIgnored(manifest, undefined, [
    { group: "", kind: "ConfigMap", jsonPointers: rules, jqPathExpressions: [".__proto__.toString"] },
  ]);
  deepMerge({}, JSON.parse('{"__proto__":{"polluted":1}}'));
  assert.equal(typeof {}.toString, "function");
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test("JSON that nests, and lists in lists, are refused in one line", async () => {
  const rendered = async (text: string) => renderDirectory(await treeOf({ "app/a.json": text }), "app");
  const deep = `${'{"apiVersion":"v1","kind":"List","items":['.repeat(20_000)}${"]}".repeat(20_000)}`;
  await assert.rejects(rendered(deep), refused(/exceeded max depth/));
  await assert.rejects(
    rendered(`${"[".repeat(100_000)}${"]".repeat(100_000)}`),
    refused(/exceeded max depth/),
  );
});

test("a source holds so many objects and bytes, and no more", async () => {
  const list = `{"apiVersion":"v1","kind":"List","items":[${Array(10_001).fill('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}')}]}`;
  await assert.rejects(
    renderDirectory(await treeOf({ "app/a.json": list }), "app"),
    refused(/more than 10000 objects/),
  );
  const large = { "app/a.json": `{"apiVersion":"v1","kind":"ConfigMap","x":"${"x".repeat(10_000_000)}"}` };
  await assert.rejects(
    renderDirectory(await treeOf(large), "app"),
    refused(/exceeded max combined manifest file size/),
  );
});

test("a build that doubles at every level is given up", async () => {
  const files: Record<string, string> = { "l20/kustomization.yaml": "resources: []\n" };
  for (let level = 0; level < 20; level++) {
    for (const side of ["a", "b"])
      files[`l${level}${side}/kustomization.yaml`] = `resources: [../l${level + 1}]\nnamePrefix: ${side}-\n`;
    files[`l${level}/kustomization.yaml`] = `resources: [../l${level}a, ../l${level}b]\n`;
  }
  await assert.rejects(
    built("resources: [../l0]\n", files),
    refused(/more than 1000 kustomizations in one build/),
  );
  const generated = `configMapGenerator: [${Array.from({ length: 10_001 }, (_, i) => `{name: x${i}}`)}]\n`;
  await assert.rejects(built(generated), refused(/more than 10000 objects in one build/));
});

test("components and folders in a ring are told, not followed for ever", async () => {
  const component = (others: string) =>
    `apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [${others}]\n`;
  const ring = { "c/kustomization.yaml": component("../d"), "d/kustomization.yaml": component("../c") };
  await assert.rejects(built("components: [../c]\n", ring), refused(/cycle|more than/));
  await assert.rejects(
    built("resources: [../b]\n", { "b/kustomization.yaml": "resources: [../app]\n" }),
    refused(/cycle detected/),
  );
  await assert.rejects(built("resources: [.]\n"), refused(/cycle detected/));
});

test("what a message quotes is cut short", async () => {
  const secret = { "app/a.yaml": `# kind: apiVersion: metadata:\n- ${"x".repeat(100_000)}\n` };
  await assert.rejects(
    renderDirectory(await treeOf(secret), "app"),
    ({ message }: Error) => message.length < 10_000,
  );
});
