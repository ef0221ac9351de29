import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { eventually, temporaryDirectory } from "../../testing/index.ts";
import { PipedPrograms } from "./piped-program.ts";

// Elsewhere than on Linux the streams are those that Node makes.
for (const system of process.platform === "linux" ? (["linux", "darwin"] as const) : (["darwin"] as const)) {
  describe(`programs and their streams (as on ${system})`, () => {
    const dir = temporaryDirectory();
    const programs = new PipedPrograms(dir.path, system);
    const shell = (script: string, hasStdin = false) => programs.start("sh", ["-c", script], { hasStdin });

    test("all of both outputs is read, in order, and the exit code told", async () => {
      const { stdout, stderr, closed } = shell("seq 200000; echo oh >&2; seq 200001 400000; exit 3");
      const [out, err] = await Promise.all([text(stdout), text(stderr)]);
      assert.equal(out, Array.from({ length: 400_000 }, (_, index) => `${index + 1}\n`).join(""));
      assert.equal(err, "oh\n");
      assert.deepEqual(await closed, { code: 3, signal: null });
    });

    test("the end comes with the last who could still write, not with the program", async () => {
      const { child, stdout, closed } = shell("exec 3<&0; (read -r _ <&3; echo late) & exit 0", true);
      const exited = new Promise((resolve) => child.once("exit", resolve));
      const said = text(stdout);
      await exited;
      assert.equal(child.exitCode, 0);
      assert.equal(await said, "late\n");
      await closed;
    });

    test("input reaches the program and ends", async () => {
      const { stdin, stdout } = shell("cat", true);
      stdin?.end("typed");
      assert.equal(await text(stdout), "typed");
    });

    test("what is not listened to, ends early, or cannot be started leaves no descriptor", {
      skip: process.platform !== "linux",
    }, async () => {
      await shell("true").closed;
      const count = () => readdirSync("/proc/self/fd").length;
      const before = count();
      const deaf = Array.from({ length: 5 }, () => shell("echo oh; echo oh >&2", true));
      await Promise.all(deaf.map(({ closed }) => closed));
      const missing = programs.start("/no/such", [], { hasStdin: true });
      await new Promise((resolve) => missing.child.once("error", resolve));
      await eventually("all is as before", () => count() <= before);
    });
  });
}
