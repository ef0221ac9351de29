import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { missingTools } from "../support/tools.ts";
import { root, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip", "kubectl");

for (const sandbox of ["namespaced", "plain"]) {
  test(
    `in the ${sandbox} sandbox, people's own commands show and steer a release that was refused`,
    {
      skip,
    },
    (t) => showAndSteer(t, sandbox),
  );
}

async function showAndSteer(t: TestContext, sandbox: string): Promise<void> {
  const state = temporaryState();
  const path = join(state.path, "s");
  const job = tracegate(
    ...["demo", "--release", "faulty", "--timing", "test", "--ports", "free", "--state", path],
    ...["--sandbox", sandbox],
  );
  t.after(async () => {
    job.process.kill("SIGINT");
    await job.ended;
    state.remove();
  });
  await job.seen(/NO-GO[\s\S]*export KUBECONFIG=/);

  const home = join(state.path, "home");
  mkdirSync(home);
  const run = (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: "utf8",
      env: {
        ...process.env,
        HOME: home,
        KUBECONFIG: join(path, "kubeconfig"),
        PATH: `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
      },
    });
    return { code: status, out: stdout, err: stderr };
  };

  const tree = run("kubectl", "argo", "rollouts", "get", "rollout", "hotrod", "-n", "hotrod");
  assert.equal(tree.code, 0, tree.err);
  assert.match(tree.out, /^Status: {10}✖ Degraded$/m);
  assert.match(tree.out, /α hotrod-\S+-2-1 +AnalysisRun +✖ Failed/);
  const status = run("kubectl", "argo", "rollouts", "-n", "hotrod", "status", "hotrod");
  assert.equal(status.code, 1);
  assert.match(status.err, /^Error: The rollout is in a degraded state with message: RolloutAborted: /m);

  const application = run("argocd", "app", "get", "hotrod", "--refresh");
  assert.equal(application.code, 0, application.err);
  assert.match(application.out, /^Sync Status: +Synced to HEAD \(/m);
  assert.match(application.out, /^Health Status: +Degraded$/m);
  assert.equal(run("argocd", "app", "diff", "hotrod").code, 0);
  const synced = run("argocd", "app", "sync", "otel", "--timeout", "60");
  assert.equal(synced.code, 0, synced.err);
  assert.match(synced.out, /^Phase: +Succeeded$/m);
  const unknown = run("argocd", "app", "get", "nope");
  assert.equal(unknown.code, 20);
  assert.match(unknown.err, /"rpc error: code = PermissionDenied desc = permission denied"/);

  const retried = run("kubectl", "argo", "rollouts", "retry", "rollout", "hotrod", "-n", "hotrod");
  assert.deepEqual([retried.code, retried.out], [0, "rollout 'hotrod' retried\n"], retried.err);
  // The controller is given some looks to take the retry up.
  const startsAgain = Array.from({ length: 20 }).some(() =>
    /^(Progressing|Paused)/.test(
      run("kubectl", "argo", "rollouts", "status", "hotrod", "-n", "hotrod", "--watch=false").out,
    ),
  );
  assert.ok(startsAgain, "the release starts again");
}
