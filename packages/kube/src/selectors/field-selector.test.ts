import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkFieldSelector, matchesFieldSelector } from "./field-labels.ts";
import { formatFieldSelector, parseFieldSelector } from "./field-selector.ts";

const POD = { group: "", kind: "Pod", namespaced: true };
const CONFIG_MAP = { group: "", kind: "ConfigMap", namespaced: true };

test("pods are selected by phase and node", () => {
  const pending = parseFieldSelector("status.phase=Pending,spec.nodeName=");
  checkFieldSelector(POD, pending);
  assert.equal(matchesFieldSelector(POD, pending, { status: { phase: "Pending" }, spec: {} }), true);
  assert.equal(
    matchesFieldSelector(POD, pending, { status: { phase: "Pending" }, spec: { nodeName: "n" } }),
    false,
  );
  const others = parseFieldSelector("status.phase!=Failed");
  assert.equal(matchesFieldSelector(POD, others, {}), true);
});

test("a field that a kind does not offer is refused with the API's words", () => {
  assert.throws(() => checkFieldSelector(CONFIG_MAP, parseFieldSelector("data.a=1")), {
    message: '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
  });
  assert.throws(() => checkFieldSelector(POD, parseFieldSelector("spec.foo=1")), {
    message: "field label not supported: spec.foo",
  });
  assert.throws(() => parseFieldSelector("foo"), {
    message: "invalid selector: 'foo'; can't understand 'foo'",
  });
});

test("values survive escaping", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const requirements = [{ field: "metadata.name", operator: "=" as const, value }];
      assert.deepEqual(parseFieldSelector(formatFieldSelector(requirements)), requirements);
    }),
  );
});
