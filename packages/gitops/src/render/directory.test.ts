import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memoryGit } from "../../testing/memory-git.ts";
import { treeOf } from "../../testing/tree.ts";
import { renderDirectory } from "./directory.ts";
import { globExpression } from "./glob.ts";
import { renderSource } from "./render.ts";
import { readYaml } from "./yaml-documents.ts";

const object = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;
const names = async (files: Record<string, string>, options = {}) =>
  (await renderDirectory(await treeOf(files), "app", options)).map(
    ({ manifest, file, line }) => `${manifest.metadata.name} ${file}:${line}`,
  );

test("files in lexical order, documents in theirs, with where they stand", async () => {
  assert.deepEqual(
    await names({
      "app/b.yml": object("b"),
      "app/a.yaml": `# note\n---\n${object("a1")}---\n${object("a2")}`,
      "other/x.yaml": object("x"),
    }),
    ["a1 app/a.yaml:3", "a2 app/a.yaml:8", "b app/b.yml:1"],
  );
});

test("subfolders only when asked; include, exclude and the skip mark", async () => {
  const files = {
    "app/a.yaml": object("a"),
    "app/sub/b.yaml": object("b"),
    "app/c.json":
      '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}]}',
    "app/d.yaml": `# +argocd:skip-file-rendering\n${object("d")}`,
  };
  assert.deepEqual(await names(files), ["a app/a.yaml:1", "s app/c.json:1"]);
  assert.deepEqual(await names(files, { recurse: true, exclude: "{*.json,nothing}" }), [
    "a app/a.yaml:1",
    "b app/sub/b.yaml:1",
  ]);
  assert.deepEqual(await names(files, { recurse: true, include: "sub/*" }), ["b app/sub/b.yaml:1"]);
});

test("YAML that is no manifest is let through, a broken manifest is not", async () => {
  assert.deepEqual(await names({ "app/values.yaml": "a: b: c\n", "app/other.yaml": "- 1\n" }), []);
  const broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n bad: [\n";
  await assert.rejects(names({ "app/bad.yaml": broken }), {
    message:
      'Failed to unmarshal "bad.yaml": failed to unmarshal manifest: error converting YAML to JSON: yaml: line 4: did not find expected key',
    code: "FailedPrecondition",
  });
  await assert.rejects(
    names({ "app/bad.yaml": `${object("good")}---\na: b: c\n` }),
    /mapping values are not allowed in this context/,
  );
  await assert.rejects(names({ "app/two.json": "{}{}" }), /Found multiple objects in "two.json"/);
});

test("mistakes of YAML in the Go parser's words", () => {
  const errors: Record<string, string> = {
    "a: b: c\n": "yaml: mapping values are not allowed in this context",
    "a:\n\t- b\n": "yaml: line 2: found character that cannot start any token",
    "a: *x\n": "yaml: unknown anchor 'x' referenced",
  };
  for (const [text, error] of Object.entries(errors)) assert.equal(readYaml(text).error, error);
});

test("YAML 1.1 as Kubernetes' tools read it", () => {
  const [document] = readYaml("a: yes\nb: 0644\nc: 2001-01-01\nd: 1:30\ne: 1\ne: 2\n").documents;
  assert.deepEqual(document?.value, { a: true, b: 420, c: "2001-01-01", d: "1:30", e: 2 });
});

test("a lone dot is text, a number with a dot is one", () => {
  const [document] = readYaml("path: .\na: -.\nb: .5\nc: 5.\nd: -1_0.5\n").documents;
  assert.deepEqual(document?.value, { path: ".", a: "-.", b: 0.5, c: 5, d: -10.5 });
});

test("aliases that explode are refused", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
    .split("")
    .map(
      (name, index) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${"abcdefgh".charAt(index)}`)
          .join(",")}]`,
    )
    .join("\n")}\n`;
  assert.match(readYaml(bomb).error ?? "", /alias/i);
});

test("any text is read or refused, never thrown over", () => {
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(readYaml(text).documents)));
});

test("globs stay within a segment, two stars cross", () => {
  const matches = (pattern: string, path: string) => globExpression(pattern).test(path);
  assert.ok(matches("*.yaml", "a.yaml") && !matches("*.yaml", "x/a.yaml"));
  assert.ok(matches("**/a.yaml", "a.yaml") && matches("**/a.yaml", "x/y/a.yaml"));
  assert.ok(matches("{a,b*}/[0-9]?", "bc/1x") && !matches("{a,b}/[0-9]", "c/1"));
});

test("a path must be a folder of the repository", async () => {
  const git = memoryGit();
  const commit = git.repository("file:///r").commit({ "app/a.yaml": object("a"), "chart/Chart.yaml": "" });
  const render = (path: string) => renderSource(git, { repoURL: "file:///r", path }, commit);
  assert.equal((await render("./app/")).manifests.length, 1);
  await assert.rejects(render("nope"), /^SourceError: nope: app path does not exist$/);
  await assert.rejects(render("app/a.yaml"), /app path is not a directory/);
  await assert.rejects(render("/etc"), /app path is absolute/);
  await assert.rejects(render("../x"), /app path outside root/);
  await assert.rejects(render("chart"), /Helm charts are not supported/);
});

test("files beside the manifests override a source's tools, those of one Application last", async () => {
  const git = memoryGit();
  const commit = git.repository("file:///o").commit({
    "app/a.yaml": object("a"),
    "app/kustomization.yaml": "resources: [a.yaml]\n",
    "app/.argocd-source.yaml": "kustomize: {namePrefix: x-, nameSuffix: -z}\npath: elsewhere\n",
    "app/.argocd-source-web.yaml": "kustomize: {namePrefix: w-}\n",
    "bad/.argocd-source.yaml": "helm: {}\n",
  });
  const rendered = async (path: string, application: string, more = {}) =>
    (await renderSource(git, { repoURL: "file:///o", path, ...more }, commit, application)).manifests.map(
      ({ manifest }) => manifest.metadata.name,
    );
  assert.deepEqual(await rendered("app", "web"), ["w-a-z"]);
  assert.deepEqual(await rendered("app", "other"), ["x-a-z"]);
  await assert.rejects(rendered("bad", "web"), /source\.helm is not supported/);
  await assert.rejects(
    rendered("app", "web", { directory: { recurse: true } }),
    /multiple application sources defined: Kustomize,Directory/,
  );
});
