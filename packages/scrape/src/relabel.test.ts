import assert from "node:assert/strict";
import { test } from "node:test";
import { type RelabelRule, relabeller } from "./relabel.ts";

const labels = { a: "one", b: "two", __meta_pod_label_app: "x", keep_me: "1" };

const table: { name: string; rule: RelabelRule; expect: Record<string, string> | undefined }[] = [
  {
    name: "replace joins its sources with ;",
    rule: { sourceLabels: ["a", "b"], targetLabel: "c" },
    expect: { ...labels, c: "one;two" },
  },
  {
    name: "replace expands groups",
    rule: { sourceLabels: ["a"], regex: "o(.)(?P<last>.)", targetLabel: "c", replacement: "$last-$1-$$" },
    expect: { ...labels, c: "e-n-$" },
  },
  {
    name: "replace leaves alone what does not match as a whole",
    rule: { sourceLabels: ["a"], regex: "on", targetLabel: "c" },
    expect: labels,
  },
  {
    name: "replace by nothing removes",
    rule: { targetLabel: "a", replacement: "" },
    expect: { ...labels, a: "" },
  },
  {
    name: "keep keeps what matches",
    rule: { action: "keep", sourceLabels: ["a"], regex: "o.e" },
    expect: labels,
  },
  {
    name: "keep drops what does not",
    rule: { action: "keep", sourceLabels: ["a"], regex: "o" },
    expect: undefined,
  },
  {
    name: "drop drops what matches",
    rule: { action: "drop", sourceLabels: ["a", "b"], separator: "-", regex: "one-two" },
    expect: undefined,
  },
  {
    name: "keepequal compares with the target",
    rule: { action: "keepequal", sourceLabels: ["a"], targetLabel: "b" },
    expect: undefined,
  },
  {
    name: "dropequal too",
    rule: { action: "dropequal", sourceLabels: ["a"], targetLabel: "b" },
    expect: labels,
  },
  {
    name: "labelmap copies by name",
    rule: { action: "labelmap", regex: "__meta_pod_label_(.+)" },
    expect: { ...labels, app: "x" },
  },
  { name: "labeldrop", rule: { action: "labeldrop", regex: "keep.*|__.*" }, expect: { a: "one", b: "two" } },
  { name: "labelkeep", rule: { action: "labelkeep", regex: "[ab]" }, expect: { a: "one", b: "two" } },
  {
    name: "uppercase",
    rule: { action: "uppercase", sourceLabels: ["a"], targetLabel: "c" },
    expect: { ...labels, c: "ONE" },
  },
  {
    name: "lowercase",
    rule: { action: "lowercase", sourceLabels: ["a"], targetLabel: "c" },
    expect: { ...labels, c: "one" },
  },
  // MD5("one") ends in 2fdab0874906ab82; the last three bits are 2.
  {
    name: "hashmod",
    rule: { action: "hashmod", sourceLabels: ["a"], targetLabel: "c", modulus: 8 },
    expect: { ...labels, c: "2" },
  },
];

for (const { name, rule, expect } of table) {
  test(name, () => {
    const got = relabeller([rule])(Object.entries(labels));
    const wanted =
      expect === undefined
        ? undefined
        : Object.fromEntries(Object.entries(expect).filter(([, value]) => value !== ""));
    assert.deepEqual(got === undefined ? undefined : Object.fromEntries(got), wanted);
  });
}

test("rules run one after the other", () => {
  const rewrite = relabeller([
    { sourceLabels: ["a"], targetLabel: "c" },
    { action: "keep", sourceLabels: ["c"], regex: "one" },
    { action: "labeldrop", regex: "a" },
  ]);
  assert.equal(rewrite([["a", "two"]]), undefined);
  assert.deepEqual(Object.fromEntries(rewrite([["a", "one"]]) ?? []), { c: "one" });
});
