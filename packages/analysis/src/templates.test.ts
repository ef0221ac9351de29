import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonPathFirst } from "./json-path.ts";
import { fieldPathValue, mergeTemplates, substituteArgs } from "./templates.ts";
import type { AnalysisTemplate, AnalysisTemplateSpec, Metric } from "./types.ts";

const template = (name: string, spec: AnalysisTemplateSpec): AnalysisTemplate => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AnalysisTemplate",
  metadata: { name },
  spec,
});
const metric = (name: string, query = "q"): Metric => ({ name, provider: { prometheus: { query } } });

test("templates are concatenated, and arguments filled by the caller's", () => {
  const merged = mergeTemplates(
    [
      template("a", { metrics: [metric("m")], args: [{ name: "x" }, { name: "y", value: "1" }] }),
      template("b", { metrics: [metric("n")], args: [{ name: "y", value: "1" }] }),
    ],
    {
      args: [
        { name: "x", value: "given" },
        { name: "unknown", value: "2" },
      ],
    },
  );
  assert.ok("spec" in merged);
  assert.deepEqual(
    merged.spec.metrics.map(({ name }) => name),
    ["m", "n"],
  );
  assert.deepEqual(merged.spec.args, [
    { name: "x", value: "given" },
    { name: "y", value: "1" },
  ]);
});

test("what cannot be merged is named", () => {
  const error = (...specs: AnalysisTemplateSpec[]): unknown =>
    mergeTemplates(
      specs.map((spec, i) => template(String(i), spec)),
      {},
    );
  assert.deepEqual(error({ metrics: [metric("m")] }, { metrics: [metric("m")] }), {
    error: "two metrics have the same name 'm'",
  });
  assert.deepEqual(error({ args: [{ name: "x" }] }), { error: "args.x was not resolved" });
  assert.deepEqual(error({ args: [{ name: "x", value: "1" }] }, { args: [{ name: "x", value: "2" }] }), {
    error: "Argument `x` specified multiple times with different values: '1', '2'",
  });
});

test("arguments are replaced anywhere in a metric, with quotes and newlines as they are", () => {
  const filled = substituteArgs(metric("m", 'up{ns="{{args.ns}}",x="{{ args.x }}"}'), [
    { name: "ns", value: 'a"b\n' },
    { name: "x", value: "1" },
  ]);
  assert.ok("resolved" in filled);
  assert.equal(filled.resolved.provider.prometheus?.query, 'up{ns="a"b\n",x="1"}');
  assert.deepEqual(substituteArgs(metric("m", "{{args.z}}"), []), { error: "failed to resolve {{args.z}}" });
});

test("fields are found by their paths", () => {
  const object = {
    metadata: { name: "web", labels: { "app.kubernetes.io/name": "x" } },
    spec: { replicas: 2, list: [{ a: "b" }] },
  };
  assert.deepEqual(fieldPathValue(object, "metadata.name"), { value: "web" });
  assert.deepEqual(fieldPathValue(object, "metadata.labels['app.kubernetes.io/name']"), { value: "x" });
  assert.deepEqual(fieldPathValue(object, "metadata.labels"), { value: 'app.kubernetes.io/name="x"' });
  assert.deepEqual(fieldPathValue(object, "metadata.labels['none']"), { value: "" });
  assert.deepEqual(fieldPathValue(object, "metadata.none"), {
    error: "unsupported fieldPath: metadata.none",
  });
  assert.deepEqual(fieldPathValue(object, "metadata.labels['app']x"), {
    error: "unsupported fieldPath: metadata.labels['app']x",
  });
  assert.deepEqual(fieldPathValue(object, "spec.replicas"), { value: "2" });
  assert.deepEqual(fieldPathValue(object, "spec.list[0].a"), { value: "b" });
  assert.deepEqual(fieldPathValue(object, "spec.list[3].a"), { error: "index 3 out of range" });
  assert.deepEqual(fieldPathValue(object, "spec.none"), { error: "invalid path spec.none in rollout" });
  assert.deepEqual(fieldPathValue(object, "spec.list"), {
    error: "path spec.list in rollout must terminate in a primitive value",
  });
});

test("JSONPath finds the first match, or says why not", () => {
  const json = { data: { items: [{ n: 1 }, { n: 2 }], "a.b": true } };
  assert.deepEqual(jsonPathFirst(json, "{$}"), { value: json });
  assert.deepEqual(jsonPathFirst(json, "{$.data.items[-1].n}"), { value: 2 });
  assert.deepEqual(jsonPathFirst(json, "{.data.items[*].n}"), { value: 1 });
  assert.deepEqual(jsonPathFirst(json, "{$.data['a.b']}"), { value: true });
  assert.deepEqual(jsonPathFirst(json, "{$.nope}"), { error: "nope is not found" });
  assert.ok("error" in jsonPathFirst(json, "{$.data.items[?(@.n==1)]}"));
});
