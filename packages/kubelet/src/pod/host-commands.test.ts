import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "@tracegate/kube";
import { ConfigError } from "./environment.ts";
import { refuseHostCommands, refuseLoadedCode } from "./host-commands.ts";

const exec = { exec: { command: ["touch", "x"] } };

for (const [what, container] of [
  ["a command", { command: ["touch", "x"] }],
  ["an exec probe", { readinessProbe: exec }],
  ["a hook", { lifecycle: { preStop: exec } }],
] as const) {
  test(`${what} of a manifest is refused`, () => {
    const own: Container = { name: "c", image: "i", ...(container as Partial<Container>) }; // literals, frozen by `as const`
    assert.throws(() => refuseHostCommands(own), ConfigError);
  });
}

test("arguments and HTTP probes are not commands", () => {
  refuseHostCommands({
    name: "c",
    image: "i",
    args: ["all"],
    readinessProbe: { httpGet: { path: "/", port: 80 } },
  });
});

for (const name of [
  "NODE_OPTIONS",
  "LD_PRELOAD",
  "DYLD_INSERT_LIBRARIES",
  "PYTHONSTARTUP",
  "JAVA_TOOL_OPTIONS",
]) {
  test(`${name} of a manifest is refused, the image's own is not`, () => {
    assert.throws(
      () => refuseLoadedCode({ [name]: "x" }, {}),
      new RegExp(`so ${name} of manifests is not taken`),
    );
    refuseLoadedCode({ [name]: "x" }, { [name]: "x" });
    assert.throws(() => refuseLoadedCode({ [name]: "y" }, { [name]: "x" }), ConfigError);
  });
}

test("other variables are the manifest's", () => {
  refuseLoadedCode({ NODE_ENV: "production", ENVIRONMENT: "x", PORT: "80", OLD_PRELOAD: "x" }, {});
});
