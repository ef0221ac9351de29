import assert from "node:assert/strict";
import { test } from "node:test";
import { probeSandbox } from "@tracegate/kubelet";
import { chooseSandbox, sandboxChoices } from "./sandbox-choice.ts";

for (const choice of sandboxChoices) {
  for (const [system, advice] of [
    ["win32", /WSL 2/],
    ["freebsd", /Lima/],
  ] as const) {
    test(`on ${system} the ${choice} sandbox is refused in one line that says what helps`, async () => {
      await assert.rejects(
        chooseSandbox(choice, system),
        ({ name, message }: Error) =>
          name === "ProblemError" &&
          !message.includes("\n") &&
          message.includes(`pods run on Linux and macOS only, and this is ${system}`) &&
          advice.test(message),
      );
    });
  }
}

test("auto takes namespaces where they work, else a plain sandbox and says why", async () => {
  const { problem } = probeSandbox();
  const { kind, line } = await chooseSandbox("auto", "linux");
  if (problem === undefined) assert.deepEqual({ kind, line }, { kind: "namespaced", line: undefined });
  else {
    assert.notEqual(kind, "namespaced");
    assert.ok(line?.startsWith(problem.message) && line.includes("nothing isolates"));
  }
});

test("what is asked for is taken, and not isolating pods is always told", async () => {
  assert.deepEqual(await chooseSandbox("namespaced", "linux"), { kind: "namespaced" });
  assert.match((await chooseSandbox("plain", "linux")).line ?? "", /nothing isolates/);
});

test("pods share 127.0.0.1 where that is asked for, and it is told", async () => {
  const { kind, line } = await chooseSandbox("plain", "darwin", { TRACEGATE_LOOPBACK_ONLY: "1" });
  assert.equal(kind, "loopback");
  assert.match(line ?? "", /nothing isolates, and share the ports of 127\.0\.0\.1$/);
});
