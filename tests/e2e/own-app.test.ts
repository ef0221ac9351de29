import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { EvidencePackage } from "@tracegate/evidence";
import { leftBehind } from "../support/processes.ts";
import { missingTools } from "../support/tools.ts";
import { fileAt, finish, root, start, temporaryState, tracegate } from "../support/tracegate.ts";

const skip = missingTools("git", "curl", "unshare", "ip");

for (const [title, sandbox, env] of [
  ["the namespaced sandbox", ["namespaced"], {}],
  ["the plain sandbox", ["plain", "--allow-host-commands"], {}],
  [
    "the plain sandbox, 127.0.0.1 for all",
    ["plain", "--allow-host-commands"],
    { TRACEGATE_LOOPBACK_ONLY: "1" },
  ],
] as const) {
  test(
    `a program of one's own is released good and bad from what \`tracegate init\` wrote (${title})`,
    { skip },
    (t) => releaseGoodAndBad(t, sandbox, env),
  );
}

async function releaseGoodAndBad(
  t: TestContext,
  sandbox: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const directory = join(temporary.path, "my shop");
  mkdirSync(directory);
  cpSync(join(root, "examples/own-app/server.mjs"), join(directory, "server.mjs"));
  const written = await finish(
    tracegate.in(directory, "init", "GREETING='hello, you' node server.mjs", "--name", "shop"),
  );
  assert.equal(written.code, 0, written.output);
  quicken(directory);

  const program = [process.execPath, join(root, "apps/cli/bin/tracegate.js")];
  const up = [...program, "up", "--ports", "free", "--sandbox", ...sandbox];
  const platform = start("env", up, env, directory);
  t.after(async () => {
    platform.process.kill("SIGINT");
    await platform.ended;
    assert.deepEqual(leftBehind(directory), []);
  });
  await platform.seen(/Serving until Ctrl-C/);
  const evidenceOf = async (revision: number) => {
    const file = join(directory, ".tracegate/evidence/shop/shop", String(revision), "1", "evidence.json");
    return JSON.parse(await fileAt(file, 60_000)) as EvidencePackage;
  };
  await healthy(directory);

  release(directory, "2");
  const good = await evidenceOf(2);
  assert.equal(good.verdict, "go", JSON.stringify(good.judgement));
  assert.deepEqual(outcomes(good), { traffic: "pass", "error-rate": "pass", "latency-p95": "pass" });

  release(directory, "3-bad");
  const bad = await evidenceOf(3);
  assert.equal(bad.verdict, "no-go");
  assert.equal(outcomes(bad)["error-rate"], "fail");
}

test("init refuses a command that is not there, and writes nothing; it overwrites nothing", {
  skip,
}, async (t) => {
  const temporary = temporaryState();
  t.after(() => temporary.remove());
  const directory = join(temporary.path, "shop");
  mkdirSync(directory);
  const wrong = await finish(tracegate.in(directory, "init", "./nosuch"));
  assert.equal(wrong.code, 2);
  assert.match(wrong.output, /^tracegate: \.\/nosuch: .*\/shop\/nosuch is not there/);
  assert.deepEqual(readdirSync(directory), []);
  mkdirSync(join(directory, "release"));
  writeFileSync(join(directory, "release/gates.yaml"), "mine");
  const again = await finish(tracegate.in(directory, "init", "node server.mjs"));
  assert.equal(again.code, 2);
  assert.match(again.output, /release\/gates\.yaml is there already\. Nothing was written/);
});

/** The starter's own times fit a person; shorter ones fit a test. */
function quicken(directory: string): void {
  edit(directory, "tracegate.yaml", (text) => text.replace(/: 2s|: 1s/g, ": 400ms"));
  edit(directory, "release/collector.yaml", (text) => text.replace("interval: 2s", "interval: 400ms"));
  edit(directory, "release/gates.yaml", (text) =>
    text
      .replace(/initialDelay: \d+s/g, "initialDelay: 5s")
      .replaceAll("interval: 3s", "interval: 1s")
      .replaceAll("[20s]", "[6s]"),
  );
  commit(directory, "Be quick");
}

const release = (directory: string, tag: string) => {
  edit(directory, "release/rollout.yaml", (text) => text.replace(/(image: local\/shop:)\S+/, `$1${tag}`));
  commit(directory, `Release ${tag}`);
};

function edit(directory: string, path: string, change: (text: string) => string): void {
  const file = join(directory, path);
  const text = readFileSync(file, "utf8");
  assert.notEqual(change(text), text, `${path} is as this test expects it`);
  writeFileSync(file, change(text));
}

const commit = (directory: string, message: string) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", message], {
    cwd: directory,
  });

/** All of it: a version whose collector is still to come has nothing to show. */
async function healthy(directory: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { code, output } = await finish(tracegate.in(directory, "status"));
    if (code === 0 && /\bshop +Synced +Healthy\b/.test(output)) return;
    assert.ok(tries < 100, output);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const outcomes = ({ gates }: EvidencePackage) =>
  Object.fromEntries(gates.map(({ metric, verdict }) => [metric, verdict.outcome]));
