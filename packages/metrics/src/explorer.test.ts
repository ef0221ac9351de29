import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const page = readFileSync(new URL("./explorer.html", import.meta.url), "utf8");
const script = /<script id="completion">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
const completions = runInNewContext(`${script}; completions`) as (
  text: string,
  cursor: number,
  names: readonly string[],
) => { readonly found: readonly string[] };

const names = [
  "hotrod_requests_total",
  "kube_pod_container_status_ready",
  "kube_pod_container_status_restarts_total",
  "up",
];
/** What is offered where the bar is. */
const offered = (text: string) => {
  const cursor = text.indexOf("|");
  return [...completions(text.replace("|", ""), cursor, names).found];
};

test("a word that metrics go on from offers them, before those that hold it anywhere", () => {
  assert.deepEqual(offered("kube_pod_container_status_|"), names.slice(1, 3));
  assert.deepEqual(offered("sum(rate(hot|"), ["hotrod_requests_total"]);
  assert.deepEqual(offered("requests|"), ["hotrod_requests_total"]);
  assert.deepEqual(offered("re|"), ["hotrod_requests_total", ...names.slice(1, 3)].sort());
  assert.deepEqual(offered('x{a="}"} + hot|'), ["hotrod_requests_total"]);
});

test("nothing is offered for too little, for a whole name, inside a word, labels or text", () => {
  for (const text of ["k|", "up|", "kube_|pod", "x{kube_pod|", 'x{a="kube_pod|', '"kube_pod|', "|"])
    assert.deepEqual(offered(text), [], text);
});
