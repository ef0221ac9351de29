import assert from "node:assert/strict";
import { test } from "node:test";
import { probeSandbox } from "@tracegate/kubelet";
import { chooseSandbox, sandboxChoices } from "./sandbox-choice.ts";

for (const choice of sandboxChoices) {
  for (const [system, advice] of [
    ["darwin", /Lima/],
    ["win32", /WSL 2/],
  ] as const) {
    test(`on ${system} the ${choice} sandbox is refused in one line that says what helps`, () => {
      assert.throws(
        () => chooseSandbox(choice, system),
        ({ name, message }: Error) =>
          name === "ProblemError" &&
          !message.includes("\n") &&
          message.includes(`pods run on Linux only, and this is ${system}`) &&
          advice.test(message),
      );
    });
  }
}

test("auto takes namespaces where they work, else the plain sandbox and says why", () => {
  const { problem } = probeSandbox();
  const { kind, line } = chooseSandbox("auto", "linux");
  if (problem === undefined) assert.deepEqual({ kind, line }, { kind: "namespaced", line: undefined });
  else {
    assert.equal(kind, "plain");
    assert.ok(line?.startsWith(problem.message) && line.includes("nothing isolates"));
  }
});

test("what is asked for is taken, and not isolating pods is always told", () => {
  assert.deepEqual(chooseSandbox("namespaced", "linux"), { kind: "namespaced" });
  assert.match(chooseSandbox("plain", "linux").line ?? "", /nothing isolates/);
});
