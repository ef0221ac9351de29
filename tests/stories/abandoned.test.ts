import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { leftBehind } from "../support/processes.ts";
import { missingTools } from "../support/tools.ts";
import { temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip");

for (const sandbox of ["namespaced", "plain"]) {
  test(
    `in the ${sandbox} sandbox, a control plane that is killed and does not come back leaves nothing after a minute`,
    {
      skip,
    },
    (t) => abandon(t, sandbox),
  );
}

async function abandon(t: TestContext, sandbox: string): Promise<void> {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const runtimeDirectories = () => readdirSync(runtimeRoot).filter((entry) => entry.startsWith("tracegate-"));
  const before = new Set(runtimeDirectories());
  const state = join(temporary.path, "s");
  const demo = tracegate(
    ...["demo", "--timing", "test", "--ports", "free", "--state", state, "--sandbox", sandbox],
  );
  await demo.seen(/serves the traffic/);
  const own = runtimeDirectories().filter((entry) => !before.has(entry) && !temporary.path.endsWith(entry));
  const agents = () => own.flatMap((entry) => leftBehind(join(runtimeRoot, entry)));
  demo.process.kill("SIGKILL");
  await demo.ended;
  assert.ok(agents().length > 0, "the pods live on at first");
  await new Promise((resolve) => setTimeout(resolve, 66_000));
  assert.deepEqual(agents(), []);
  assert.deepEqual(leftBehind(temporary.path), []);
  assert.deepEqual(
    runtimeDirectories().filter((entry) => own.includes(entry)),
    [],
  );
}

const runtimeRoot = process.env["XDG_RUNTIME_DIR"] ?? tmpdir();
