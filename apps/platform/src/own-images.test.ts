import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@tracegate/kubelet/testing";
import { ownImage } from "./own-images.ts";

const dir = temporaryDirectory();
const app = join(dir.path, "app");
mkdirSync(join(app, "bin"), { recursive: true });
mkdirSync(join(dir.path, "tools"));
for (const file of ["app/bin/server", "tools/deno", "tools/node"])
  writeFileSync(join(dir.path, file), "", { mode: 0o755 });
test.after(() => dir[Symbol.dispose]());

const surroundings = {
  stateDir: join(app, ".tracegate"),
  emptyDir: join(app, ".tracegate/empty"),
  path: `relative:${dir.path}/tools:/usr/bin:/bin`,
  node: "/usr/lib/own/node",
};
const entry = (
  command: [string, ...string[]],
  more: Partial<typeof surroundings> & { isIsolated?: boolean } = {},
) =>
  ownImage(
    { pattern: "my/app:*", where: "tracegate.yaml:3:15", command, workingDir: app, env: {} },
    { ...surroundings, ...more },
  );

test("the program's directory is at /app, and an empty directory covers the state directory inside", () => {
  assert.deepEqual(entry(["./bin/server", "-v"]), {
    pattern: "my/app:*",
    entrypoint: ["/app/bin/server", "-v"],
    env: {},
    workingDir: "/app",
    binds: [
      { source: app, target: "/app" },
      { source: surroundings.emptyDir, target: "/app/.tracegate" },
    ],
  });
  assert.deepEqual(entry([`${app}/bin/server`], { stateDir: "/elsewhere" }).binds, [
    { source: app, target: "/app" },
  ]);
});

test("a link to the program's directory hides no state directory", () => {
  mkdirSync(join(app, ".tracegate"), { recursive: true });
  symlinkSync(app, join(dir.path, "link"));
  const { binds } = ownImage(
    {
      pattern: "my/app:*",
      where: "",
      command: ["./bin/server"],
      workingDir: join(dir.path, "link"),
      env: {},
    },
    surroundings,
  );
  assert.deepEqual(binds, entry(["./bin/server"]).binds);
});

test("a program of the system is found on the pod's PATH, one from elsewhere is brought along", () => {
  assert.deepEqual(entry(["sh"]).entrypoint, ["sh"]);
  const { entrypoint, binds } = entry(["deno", "run"]);
  assert.deepEqual(entrypoint, ["/opt/interpreter/deno", "run"]);
  assert.deepEqual(binds?.at(-1), { source: `${dir.path}/tools/deno`, target: "/opt/interpreter/deno" });
  const other = entry(["../tools/deno"]);
  assert.deepEqual(other.entrypoint, ["/opt/interpreter/deno"]);
});

test("where the machine has no Node, the platform's own runs the program", () => {
  const { entrypoint, binds } = entry(["node", "x.js"], { path: "", node: `${dir.path}/tools/node` });
  assert.deepEqual(entrypoint, ["/opt/interpreter/node", "x.js"]);
  assert.equal(binds?.at(-1)?.source, `${dir.path}/tools/node`);
});

test("a script from elsewhere is refused where pods do not see what it needs, and runs where they do", () => {
  const script = join(dir.path, "tools/nvm-npm");
  writeFileSync(script, "#!/usr/bin/env node\n", { mode: 0o755 });
  assert.throws(
    () => entry(["nvm-npm", "start"]),
    ({ message }: Error) => message.startsWith(`${script}: this script needs an interpreter`),
  );
  assert.deepEqual(entry(["nvm-npm", "start"], { isIsolated: false }).entrypoint, [
    "/opt/interpreter/nvm-npm",
    "start",
  ]);
});

test("a script from elsewhere that stands before a program of the system, as pyenv's does, hides it from no pod", () => {
  writeFileSync(join(dir.path, "tools/sh"), "#!/usr/bin/env bash\n", { mode: 0o755 });
  assert.deepEqual(entry(["sh", "-c", "x"]).entrypoint, ["sh", "-c", "x"]);
  assert.deepEqual(entry(["sh"], { isIsolated: false }).entrypoint, ["/opt/interpreter/sh"]);
});

test("a program on no PATH, and a state directory in the program's place, are refused", () => {
  assert.throws(() => entry(["nosuch"]), /tracegate\.yaml:3:15: the program "nosuch" is on no PATH/);
  assert.throws(() => entry(["sh"], { stateDir: app }), /is the state directory/);
});
