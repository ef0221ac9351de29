import assert from "node:assert/strict";
import { test } from "node:test";
import { mapPaths, pathMap } from "./path-map.ts";

const map = pathMap([
  { inside: "/conf", outside: "/state/conf" },
  { inside: "/conf/inner", outside: "/state/inner" },
  { inside: "/opt/t.g", outside: "/src" },
]);

for (const [text, mapped] of [
  ["/conf", "/state/conf"],
  ["--config=/conf/a.yaml", "--config=/state/conf/a.yaml"],
  ["/conf/inner/a", "/state/inner/a"],
  ["/conf:/opt/t.g/x", "/state/conf:/src/x"],
  ["cat /conf/a; ls '/conf'", "cat /state/conf/a; ls '/state/conf'"],
  ["/config /etc/conf /opt/txg http://host/conf", "/config /etc/conf /opt/txg http://host/conf"],
  ["", ""],
] as const) {
  test(`${text} → ${mapped}`, () => assert.equal(mapPaths(text, map), mapped));
}
