import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryGit } from "../../testing/memory-git.ts";
import { atOnce } from "../turns.ts";
import type { Application } from "../types/application.ts";
import type { ApplicationSet, ApplicationSetSpec } from "../types/application-set.ts";
import { fillFastTemplate } from "./fast-template.ts";
import { generateParams as generate } from "./generators.ts";
import { matchingDirectories } from "./git-parameters.ts";
import { fillGoTemplate } from "./go-template.ts";
import { fill, type Params } from "./params.ts";
import { planning, renderingApplications } from "./plan.ts";

test("plain templates take names with or without blanks and leave unknown ones alone", () => {
  const params = { "path.basename": "web", path: "apps/web" };
  assert.equal(
    fillFastTemplate("x-{{path.basename}}-{{ path.basename }} {{path}} {{ nope }}", params),
    "x-web-web apps/web {{ nope }}",
  );
});

test("Go templates: fields, calls, pipelines, trimming", () => {
  const params = { path: { path: "apps/Web_1", basename: "Web_1", segments: ["apps", "Web_1"] }, n: 3 };
  const fill = (text: string, missingKey: "default" | "error" = "error") =>
    fillGoTemplate(text, params, { missingKey });
  assert.equal(fill("{{.path.basename}}/{{index .path.segments 0}}/{{ .n }}"), "Web_1/apps/3");
  assert.equal(fill('{{ .path.basename | normalize | printf "a-%s" }}'), "a-web-1");
  assert.equal(fill("a {{- /* note */ -}} b"), "ab");
  assert.equal(fill('{{ default "x" (index .path.segments 1) | lower }}'), "web_1");
  assert.equal(fill("{{.nope}}", "default"), "<no value>");
  assert.throws(() => fill("{{.nope.x}}"), /map has no entry for key "nope"/);
  assert.equal(fill("{{if eq .n 3}}three{{else}}other{{end}}"), "three");
  assert.equal(fill("{{if not .n}}a{{else if .path}}b{{else}}c{{end}}"), "b");
  assert.equal(fill("{{range .path.segments}}<{{.}} {{$.n}}>{{end}}"), "<apps 3><Web_1 3>");
  assert.equal(fill("{{with .path}}{{.basename}}{{end}}{{with 0}}x{{else}}none{{end}}"), "Web_1none");
  assert.equal(fill("l:{{ toYaml .path.segments | nindent 2 }}"), "l:\n  - apps\n  - Web_1");
  assert.throws(() => fill("{{if .n}}x"), /unexpected EOF/);
  assert.throws(() => fill("x{{end}}"), /unexpected \{\{end\}\}/);
  assert.equal(fill("{{range $i, $v := .path.segments}}{{$i}}={{$v}};{{end}}"), "0=apps;1=Web_1;");
  assert.equal(fill("{{$x := .n}}{{range .path.segments}}{{$x = add $x 1}}{{end}}{{$x}}"), "5");
  assert.equal(fill("{{with $p := .path}}{{$p.basename}}{{end}}"), "Web_1");
  assert.throws(() => fill("{{$nope}}"), /undefined variable "\$nope"/);
  assert.throws(() => fill('{{template "x"}}'), /\{\{template\}\} is not supported/);
  assert.throws(() => fill("{{constructor .n}}"), /function "constructor" not defined/);
});

const calls: readonly (readonly [template: string, text: string])[] = [
  ['{{ join "," .list }}', "x,y"],
  ["{{ if gt (int .n) 3 }}big{{ else }}small{{ end }}", "small"],
  ['{{ default "none" .nothing }}', "none"],
  ["{{ .nested.k | lower | quote }}", '"v"'],
  ['{{ slugify "Some_Name Long" }}', "some_name-long"],
  ['{{ slugify 9 true "one two three" }}', "one-two"],
  ['{{ slugify 9 false "one two three" }}', "one-two-t"],
  ['{{ ternary "y" "n" (eq .n 3) }}', "y"],
  ['{{ get (dict "a" "b") "a" }}{{ keys .nested | first }}', "bk"],
  ['{{ regexReplaceAll "(a)(b)" "abab" "$2$1" }}', "baba"],
  ['{{ regexMatch "^x" "xy" }}{{ has "x" .list }}{{ empty "" }}', "truetruetrue"],
  ['{{ dig "nested" "k" "no" . }}{{ dig "nested" "z" "no" . }}', "Vno"],
  ['{{ "a-b" | replace "-" "_" | upper | trunc 2 }}', "A_"],
  ['{{ (split "/" "a/b")._1 }}{{ list 1 2 | last }}', "b2"],
  ["{{ add 1 2 3 }}{{ sub 5 2 }}{{ mod 7 4 }}{{ max 1 9 }}", "6339"],
  ['{{ toJson (fromJson "{\\"a\\":[1]}") }}', '{"a":[1]}'],
  [
    '{{ camelcase "some-name" }} {{ snakecase "SomeName" }} {{ kebabcase "SomeName" }}',
    "SomeName some_name some-name",
  ],
  ['{{ b64enc "a" }}{{ b64dec "YQ==" }} {{ sha256sum "a" | trunc 6 }}', "YQ==a ca9781"],
];
for (const [template, text] of calls) {
  test(`${template} gives ${text}`, () => {
    const params = { n: 3, list: ["x", "y"], nested: { k: "V" } };
    assert.equal(fillGoTemplate(template, params, { missingKey: "default" }), text);
  });
}

test("directories match whole paths at one depth, exclusions win", () => {
  const all = ["apps", "apps/a", "apps/a/deep", "apps/b", "apps/skip", "other/a"];
  assert.deepEqual(matchingDirectories(all, [{ path: "apps/skip", exclude: true }, { path: "apps/*" }]), [
    "apps/a",
    "apps/b",
  ]);
  assert.deepEqual(matchingDirectories(all, [{ path: "**/a" }]), ["apps/a", "other/a"]);
});

const git = memoryGit();
git.repository("file:///r").commit({
  "m/Web_1/c.yaml": "",
  "m/b/c.yaml": "",
  "m/.hidden/c.yaml": "",
  "m/appset.yaml": "",
  "cfg/a.yaml": "name: one\nnested: {k: [v]}\n",
});
const generateParams = async (spec: ApplicationSetSpec, from: typeof git) =>
  (await generate(spec, from)).map(({ params }) => params);
const render = (...input: Parameters<typeof renderingApplications>) =>
  atOnce(renderingApplications(...input));
const renderApplications = (of: ApplicationSet, sets: readonly Params[]) =>
  render(
    of,
    sets.map((params) => ({ params, templates: [] })),
  );
const planApplications = (...input: Parameters<typeof planning>) => atOnce(planning(...input));
const generator = (spec: Partial<ApplicationSetSpec>) => ({
  template: { metadata: { name: "" }, spec: { project: "", destination: {} } },
  generators: [],
  ...spec,
});

test("the git generator gives directories, files, and what else their parameters are made of", async () => {
  const directories = await generateParams(
    generator({
      generators: [
        {
          git: {
            repoURL: "file:///r",
            directories: [{ path: "m/*" }, { path: "m/appset.yaml", exclude: true }],
          },
        },
      ],
    }),
    git,
  );
  assert.deepEqual(
    directories.map((params) => params["path.basename"]),
    ["Web_1", "b"],
  );
  assert.deepEqual(directories[0], {
    path: "m/Web_1",
    "path.basename": "Web_1",
    "path.basenameNormalized": "web-1",
    "path[0]": "m",
    "path[1]": "Web_1",
  });
  const nested = await generateParams(
    generator({
      goTemplate: true,
      generators: [{ git: { repoURL: "file:///r", directories: [{ path: "m/b" }] } }],
    }),
    git,
  );
  assert.deepEqual(nested, [
    { path: { path: "m/b", basename: "b", basenameNormalized: "b", segments: ["m", "b"] } },
  ]);
  const [file] = await generateParams(
    generator({
      generators: [
        { git: { repoURL: "file:///r", files: [{ path: "cfg/*.yaml" }], values: { x: "{{name}}!" } } },
      ],
    }),
    git,
  );
  assert.deepEqual(
    [file?.["name"], file?.["nested.k.0"], file?.["path.filename"], file?.["values.x"]],
    ["one", "v", "a.yaml", "one!"],
  );
});

test("generators that are not supported are refused by name", async () => {
  await assert.rejects(
    generateParams(generator({ generators: [{ pullRequest: {} }] }), git),
    /generator field 'pullRequest' is not supported/,
  );
});

const set: ApplicationSet = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "ApplicationSet",
  metadata: { name: "set", namespace: "argocd", uid: "u" },
  spec: {
    generators: [],
    template: {
      metadata: { name: "{{name}}", labels: { team: "{{ name }}" } },
      spec: {
        project: "default",
        source: { repoURL: "r", path: "{{name}}" },
        destination: { namespace: "{{name}}" },
      },
    },
  },
};

test("Applications are owned by their set and cascade unless told otherwise", () => {
  const [application] = renderApplications(set, [{ name: "a" }]);
  assert.deepEqual(application?.metadata.finalizers, ["resources-finalizer.argocd.argoproj.io"]);
  assert.equal(application?.metadata.ownerReferences?.[0]?.uid, "u");
  assert.deepEqual([application?.spec.source?.path, application?.metadata.labels], ["a", { team: "a" }]);
  const kept = { ...set, spec: { ...set.spec, syncPolicy: { preserveResourcesOnDeletion: true } } };
  assert.equal(renderApplications(kept, [{ name: "a" }])[0]?.metadata.finalizers, undefined);
});

test("what is new is created, what changed updated, what is gone removed, as the policy allows", () => {
  const [a, b] = renderApplications(set, [{ name: "a" }, { name: "b" }]);
  assert.ok(a && b);
  const live: Application = {
    ...a,
    spec: { ...a.spec, project: "edited" },
    metadata: { ...a.metadata, annotations: { "argocd.argoproj.io/refresh": "normal", mine: "x" } },
    status: {},
  };
  const old: Application = { ...b, metadata: { ...b.metadata, name: "old" } };
  const plan = planApplications(set, [a, b], [live, old], () => undefined);
  assert.deepEqual(
    [plan.create.length, plan.update.length, plan.remove.map(({ metadata }) => metadata.name)],
    [1, 1, ["old"]],
  );
  assert.deepEqual(plan.update[0]?.metadata.annotations, { "argocd.argoproj.io/refresh": "normal" });
  assert.deepEqual(plan.update[0]?.status, {}, "status is not the template's");
  const only = { ...set, spec: { ...set.spec, syncPolicy: { applicationsSync: "create-only" as const } } };
  const kept = planApplications(only, [a, b], [live, old], () => undefined);
  assert.deepEqual([kept.create.length, kept.update.length, kept.remove.length], [1, 0, 0]);
});

test("of two with one name the first is made, and the second told", () => {
  const [first, second] = renderApplications(set, [{ name: "a" }, { name: "a" }]);
  assert.ok(first && second);
  const plan = planApplications(set, [first, second], [], () => undefined);
  assert.deepEqual(
    [plan.create.length, plan.error],
    [1, "ApplicationSet set contains applications with duplicate name: a"],
  );
});

const list = (...elements: Record<string, unknown>[]) => ({ list: { elements } });

test("a matrix pairs its generators, the second of which may use what the first one gave", async () => {
  const directories = { git: { repoURL: "file:///r", directories: [{ path: "{{root}}/*" }] } };
  const matrix = { generators: [list({ root: "m" }, { root: "none" }), directories] };
  const sets = await generateParams(generator({ generators: [{ matrix }] }), git);
  assert.deepEqual(
    sets.map((params) => [params["root"], params["path"]]),
    [
      ["m", "m/Web_1"],
      ["m", "m/b"],
    ],
  );
  const clash = { generators: [list({ a: "1" }), list({ a: "2" })] };
  await assert.rejects(
    generateParams(generator({ generators: [{ matrix: clash }] }), git),
    /found duplicate key a with different value, a: 1 ,b: 2/,
  );
  const [first] = await generateParams(generator({ goTemplate: true, generators: [{ matrix: clash }] }), git);
  assert.deepEqual(first, { a: "1" }, "of Go templates the first one wins");
  await assert.rejects(
    generateParams(generator({ generators: [{ matrix: { generators: [list(), list(), list()] } }] }), git),
    /found more than two generators, Matrix support only two/,
  );
});

test("a list's elements may come as YAML, of which plain templates see the texts", async () => {
  const generators = [{ list: { elements: [{ name: "a" }], elementsYaml: "[{name: b, size: 2}]" } }];
  const sets = await generateParams(generator({ generators }), git);
  assert.deepEqual(sets, [{ name: "a" }, { name: "b", size: 2 }]);
  assert.deepEqual(
    sets.map((params) => fill("{{name}}-{{size}}", params, generator({ generators }))),
    ["a-{{size}}", "b-{{size}}"],
  );
});

test("a merge overrides the first generator's sets where the keys agree", async () => {
  const generators = [
    list({ name: "a", size: "s" }, { name: "b", size: "s" }),
    list({ name: "b", size: "l" }, { name: "c" }),
  ];
  const merged = (more: object) =>
    generateParams(generator({ generators: [{ merge: { generators, mergeKeys: ["name"], ...more } }] }), git);
  assert.deepEqual(await merged({}), [
    { name: "a", size: "s" },
    { name: "b", size: "l" },
  ]);
  await assert.rejects(
    merged({ mergeKeys: [] }),
    /no merge keys were specified, Merge requires at least one/,
  );
  await assert.rejects(merged({ mergeKeys: ["size"] }), /were not unique by the given mergeKeys/);
});

test("a selector picks sets by their flattened parameters; there is one cluster", async () => {
  const selector = { matchExpressions: [{ key: "env.name", operator: "In" as const, values: ["prod"] }] };
  const elements = list({ env: { name: "prod" } }, { env: { name: "test" } });
  const sets = await generateParams(
    generator({
      goTemplate: true,
      generators: [{ ...elements, selector }, { clusters: { values: { x: "{{.name}}" } } }],
    }),
    git,
  );
  assert.deepEqual(sets, [
    { env: { name: "prod" } },
    {
      name: "in-cluster",
      nameNormalized: "in-cluster",
      server: "https://kubernetes.default.svc",
      project: "",
      values: { x: "in-cluster" },
    },
  ]);
});

test("a generator's template and the template patch are laid over the template", () => {
  const patched: ApplicationSet = {
    ...set,
    spec: {
      ...set.spec,
      templatePatch: "spec:\n  revisionHistoryLimit: {{limit}}\n  syncPolicy: {automated: {prune: true}}\n",
    },
  };
  const over = { metadata: { name: "", labels: { extra: "{{name}}" } }, spec: { project: "other" } };
  const [application] = render(patched, [{ params: { name: "a", limit: "3" }, templates: [over] }]);
  assert.deepEqual(application?.metadata.labels, { team: "a", extra: "a" });
  assert.deepEqual(
    [application?.metadata.name, application?.spec.project, application?.spec.revisionHistoryLimit],
    ["a", "other", 3],
  );
  assert.deepEqual(application?.spec.syncPolicy, { automated: { prune: true } });
});

test("fields that are ignored stay as somebody set them", () => {
  const lenient: ApplicationSet = {
    ...set,
    spec: { ...set.spec, ignoreApplicationDifferences: [{ name: "a", jsonPointers: ["/spec/syncPolicy"] }] },
  };
  const [a] = renderApplications(lenient, [{ name: "a" }]);
  assert.ok(a);
  const paused = { ...a, spec: { ...a.spec, syncPolicy: { automated: { enabled: false } } } };
  assert.deepEqual(planApplications(lenient, [a], [paused], () => undefined).update, []);
  const moved = { ...paused, spec: { ...paused.spec, project: "else" } };
  const [updated] = planApplications(lenient, [a], [moved], () => undefined).update;
  assert.deepEqual(updated?.spec, paused.spec);
});
