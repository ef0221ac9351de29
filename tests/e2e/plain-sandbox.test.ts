import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Pod } from "@tracegate/kube";
import { kubectl, kubectlJson } from "../support/kubectl.ts";
import { leftBehind } from "../support/processes.ts";
import { missingTools } from "../support/tools.ts";
import { finish, temporaryState, tracegate } from "../support/tracegate.ts";

test("the main job runs in the plain sandbox, and leaves nothing behind", {
  skip: missingTools("git", "curl"),
}, async (t) => {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  // Deeper than a socket's path may be.
  const state = join(
    temporary.path,
    ..."a-checkout-in-a-deep-place".split("-").map((part) => part.repeat(20)),
  );
  assert.ok(state.length > 108);
  const { code, output } = await finish(
    tracegate(
      "demo",
      "--sandbox",
      "plain",
      "--timing",
      "test",
      "--exit",
      "--ports",
      "free",
      "--state",
      state,
    ),
  );
  assert.equal(code, 0, output);
  assert.match(output, /Plain sandbox: pods run as plain processes of your user, which nothing isolates/);
  assert.match(output, /GO +hotrod\/hotrod revision 2/);
  assert.deepEqual(leftBehind(temporary.path), []);
});

test("a manifest's own command is not run where nothing isolates it, and the pod says how to allow it", {
  skip: missingTools("kubectl"),
}, async (t) => {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const state = join(temporary.path, "s");
  const platform = tracegate("up", "--sandbox", "plain", "--ports", "free", "--state", state);
  t.after(async () => {
    platform.process.kill("SIGINT");
    await platform.ended;
  });
  await platform.seen(/Serving until Ctrl-C/);
  const manifest = join(temporary.path, "pod.yaml");
  mkdirSync(temporary.path, { recursive: true });
  writeFileSync(
    manifest,
    `apiVersion: v1
kind: Pod
metadata: {name: stranger}
spec: {containers: [{name: c, image: "curlimages/curl:8.11.1", command: [touch, ${temporary.path}/written]}]}
`,
  );
  kubectl(state, "apply", "-f", manifest);
  kubectl(
    state,
    "wait",
    "pod/stranger",
    "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError",
    "--timeout=60s",
  );
  const pod = kubectlJson<Pod>(state, "get", "pod", "stranger");
  assert.match(
    pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "",
    /commands of manifests are not run: allow them with --allow-host-commands/,
  );
});
