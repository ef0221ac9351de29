import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createApi, embeddedClient } from "@tracegate/apiserver";
import { startControllers, VirtualScheduler } from "@tracegate/controller-runtime";
import { CustomResourceDefinition, Namespace } from "@tracegate/kube";
import { memoryStore } from "@tracegate/store";
import { hostileRepository } from "../../testing/hostile-repository.ts";
import { memoryGit } from "../../testing/memory-git.ts";
import { applicationSetController } from "../applicationset-controller.ts";
import { crds } from "../crds.ts";
import { commandGit } from "../git/command-git.ts";
import { Application } from "../types/application.ts";
import { ApplicationSet, type ApplicationSetSpec, type Generator } from "../types/application-set.ts";
import { generateParams } from "./generators.ts";

const long = "a".repeat(250);

/** Names of directories that somebody hopes will be taken for more. */
const hostile = [
  "$(touch mark)",
  "`touch mark`",
  "; touch mark",
  "--upload-pack=touch mark",
  "-rf",
  "{{path}}",
  "{{.path.path}}",
  '"quoted", project: "other',
  "a: b # c",
  "&a *b !!c",
  "UPPER",
  "ünïcødé",
  "n\u202ename",
  "space ",
  "constructor",
  "toString",
  "..x",
  long,
  "%2e%2e",
  "C:\\x",
];

/** What an ApplicationSet makes of a repository whose directories under `apps/` are called so. */
async function generated(t: TestContext, names: readonly string[], spec: Partial<ApplicationSetSpec>) {
  const repository = hostileRepository();
  t.after(() => repository.remove());
  for (const name of names) repository.write(`apps/${name}/a.yaml`, "a: 1\n");
  repository.commit();
  const scheduler = new VirtualScheduler(Date.UTC(2031, 1, 3));
  const client = embeddedClient(createApi({ store: memoryStore(), clock: scheduler }));
  for (const definition of crds) await client.create(CustomResourceDefinition, definition);
  await client.create(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "argocd" } });
  const git = commandGit({ directory: join(repository.directory, "cache") });
  const manager = startControllers({
    client,
    scheduler,
    controllers: [applicationSetController({ client, clock: scheduler, git })],
  });
  t.after(() => manager.stop());
  const ref = { namespace: "argocd", name: "set" };
  await client.create(ApplicationSet, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "ApplicationSet",
    metadata: ref,
    spec: {
      generators: [{ git: { repoURL: repository.origin, directories: [{ path: "apps/*" }] } }],
      ...template(spec.goTemplate === true ? ".path.basename" : "path.basename"),
      ...spec,
    },
  });
  await scheduler.runUntilIdle();
  const { items } = await client.list(Application, { namespace: "argocd" });
  const { status } = await client.get(ApplicationSet, ref);
  const problem = status?.conditions?.find(({ type }) => type === "ErrorOccurred");
  return { items, problem, sprung: repository.sprung() };
}

const template = (name: string) => ({
  template: {
    metadata: { name: `{{${name}}}` },
    spec: {
      project: "default",
      source: { repoURL: "file:///r", path: `apps/{{${name}}}` },
      destination: { server: "https://kubernetes.default.svc", namespace: "x" },
    },
  },
});

for (const goTemplate of [false, true]) {
  const how = goTemplate ? "Go" : "plain";
  test(`what is no name of an object is told and left out, the others are made (${how} templates)`, async (t) => {
    const { items, problem, sprung } = await generated(t, ["good", ...hostile], { goTemplate });
    assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), [long, "constructor", "good"]);
    for (const { metadata, spec } of items) {
      assert.equal(spec.project, "default");
      assert.equal(spec.source?.path, `apps/${metadata.name}`, "no name is filled in a second time");
    }
    assert.equal(problem?.status, "True");
    assert.match(problem?.message ?? "", /Invalid value|a lowercase RFC 1123 subdomain/);
    assert.ok(!sprung);
  });
}

test("normalized names are names of objects; of several that come to the same one is made", async (t) => {
  const names = ["good", ...hostile.filter((name) => name !== long)];
  const { items, problem } = await generated(t, names, {
    goTemplate: true,
    ...template(".path.basenameNormalized"),
  });
  for (const { metadata } of items) assert.match(metadata.name, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
  assert.ok(items.length > 8);
  assert.equal(problem?.status ?? "False", "True");
  assert.match(problem?.message ?? "", /duplicate name|Invalid value/);
});

test("a repository that asks for very many Applications gets none", async () => {
  const git = memoryGit();
  const files = { "list.json": JSON.stringify(Array.from({ length: 10_001 }, (_, n) => ({ n: String(n) }))) };
  const some = JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ a: String(n) })));
  git.repository("file:///r").commit({ ...files, "a.json": some, "b.json": some.replaceAll('"a"', '"b"') });
  const from = (path: string) => ({ git: { repoURL: "file:///r", files: [{ path }] } });
  const spec = (generator: Generator): ApplicationSetSpec => ({
    goTemplate: true,
    generators: [generator],
    ...template(".n"),
  });
  const tooMany = /more than 10000 sets of parameters/;
  await assert.rejects(generateParams(spec(from("list.json")), git), tooMany);
  const matrix = { matrix: { generators: [from("a.json"), from("b.json")] } };
  await assert.rejects(generateParams(spec(matrix), git), tooMany);
});

test("a name with a line of its own cannot add lines to a template patch", async (t) => {
  const { items, problem } = await generated(t, ["x\nspec:\n  project: other", "good"], {
    goTemplate: true,
    ...template(".path.basenameNormalized"),
    templatePatch: "metadata:\n  annotations:\n    from: {{.path.basename}}\n",
  });
  assert.deepEqual(
    items.filter(({ spec }) => spec.project !== "default"),
    [],
  );
  assert.match(
    problem?.message ?? "",
    /directory "apps\/x\\nspec:\\n {2}project: other" .*control characters/,
  );
});
