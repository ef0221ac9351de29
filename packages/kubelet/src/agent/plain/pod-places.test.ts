import assert from "node:assert/strict";
import { test } from "node:test";
import { portVariables } from "./pod-places.ts";

for (const [title, ofContainer, given, expected] of [
  ["a container with one port has a $PORT", [80], undefined, { PORT: "1080" }],
  ["with two it is not known which", [80, 81], undefined, {}],
  ["one that a manifest names is replaced", [80, 81], "81", { PORT: "1081" }],
  ["one that is no declared port is left alone", [80], "90", {}],
  ["a container without ports has none", [], undefined, {}],
] as const) {
  test(title, () => {
    const all = { TRACEGATE_PORT_80: "1080", TRACEGATE_PORT_81: "1081" };
    assert.deepEqual(
      portVariables({ ofPod: [80, 81], ofContainer, given }, (port) => port + 1000),
      { ...all, ...expected },
    );
  });
}
