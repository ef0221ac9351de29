import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commandLine, imageCatalogue, nodeProgram, parseImageReference } from "./image-catalogue.ts";

const catalogue = imageCatalogue([
  { pattern: "my/app:*", entrypoint: ["./app"], workingDir: "/src", env: { A: "1" } },
  { pattern: "curlimages/curl:8.*", entrypoint: ["curl"] },
  { pattern: "registry.k8s.io/e2e-test-images/*", entrypoint: ["echo"] },
]);

test("an image is found by repository and tag, and its tag is told to the program", () => {
  const found = catalogue.lookUp("my/app:v3");
  assert.ok("image" in found);
  assert.deepEqual(found.image, {
    entrypoint: ["./app"],
    cmd: [],
    env: { A: "1", TRACEGATE_TAG: "v3" },
    workingDir: "/src",
    binds: [],
  });
});

for (const [reference, known] of [
  ["docker.io/my/app:1", true],
  ["index.docker.io/my/app", true],
  ["my/app/more:1", false],
  ["other/my/app:1", false],
  ["curlimages/curl:8.11.1", true],
  ["curlimages/curl:7.1", false],
  ["registry.k8s.io/e2e-test-images/echoserver:2.5", true],
] as const) {
  test(`${reference} is ${known ? "in the catalogue" : "unknown"}`, () => {
    assert.equal("image" in catalogue.lookUp(reference), known);
  });
}

test("an unknown image says how it is mapped", () => {
  const found = catalogue.lookUp("nginx:1.25");
  assert.ok("reason" in found);
  assert.equal(found.reason, "ErrImagePull");
  assert.match(found.message, /tracegate\.yaml.*"nginx:\*"/);
});

for (const bad of ["", "upper/Case", "a b", "a:", "a@sha256:12", "-a"]) {
  test(`${JSON.stringify(bad)} is no image name`, () => {
    const found = catalogue.lookUp(bad);
    assert.equal("reason" in found && found.reason, "InvalidImageName");
  });
}

test("a reference is read back from its parts", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.stringMatching(/^[\w][\w.-]{0,10}$/),
      (path, tag) => {
        fc.pre(path[0] !== "library" || path.length === 1);
        assert.deepEqual(parseImageReference(`${path.join("/")}:${tag}`), {
          repository: path.join("/"),
          tag,
        });
      },
    ),
  );
});

for (const [title, container, expected] of [
  ["nothing said: entrypoint and cmd of the image", {}, ["run", "all"]],
  ["args replace the image's cmd", { args: ["one"] }, ["run", "one"]],
  ["command replaces both", { command: ["sh"] }, ["sh"]],
  ["command and args", { command: ["sh"], args: ["-c", "x"] }, ["sh", "-c", "x"]],
] as const) {
  test(title, () =>
    assert.deepEqual(commandLine({ entrypoint: ["run"], cmd: ["all"] }, container), expected),
  );
}

test("a Node program of the project brings the project's code and nothing else of the checkout", () => {
  const entry = nodeProgram({
    pattern: "x:*",
    entry: "images/x/src/main.ts",
    projectRoot: "/home/me/checkout",
    node: "/n/node",
  });
  assert.deepEqual(
    entry.binds?.map(({ source }) => source),
    ["packages", "images", "node_modules", "package.json"]
      .map((name) => `/home/me/checkout/${name}`)
      .concat("/n/node"),
  );
});
