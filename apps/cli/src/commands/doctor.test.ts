import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithoutNamespaces, temporaryDirectory } from "@tracegate/kubelet/testing";
import { painter } from "../painter.ts";
import { findingsText } from "./doctor.ts";

// Each machine that lacks something is made from this one: another PATH, or a namespace in which something is gone.
const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
test.after(() => dir[Symbol.dispose]());

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

interface Found {
  readonly what: string;
  readonly ok: boolean;
  readonly needed: boolean;
  readonly found: string;
  readonly advice?: string;
}

/** The doctor's words on a machine that a shell script makes: it ends with `exec "$@"`. */
function doctorOn(
  machine: {
    script?: string;
    namespaces?: readonly string[];
    env?: Record<string, string | undefined>;
    args?: readonly string[];
  } = {},
) {
  const state = join(dir.path, "state");
  const own = [process.execPath, "--disable-warning=ExperimentalWarning", main];
  const line = [...own, "doctor", "-o", "json", "--state", state, ...(machine.args ?? [])];
  const [program = "", ...args] =
    machine.script === undefined
      ? line
      : [
          ...(machine.namespaces ?? inOwnNamespaces),
          "sh",
          "-ec",
          `${machine.script}\nexec "$@"`,
          "sh",
          ...line,
        ];
  const env = { ...process.env, ...machine.env };
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env });
  assert.equal(stderr, "", "no stack trace, no noise");
  const findings = JSON.parse(stdout) as Found[];
  return {
    status,
    about: (what: string) => findings.find((finding) => finding.what === what),
    failed: findings.filter(({ ok, needed }) => !ok && needed).map(({ what }) => what),
  };
}
const inOwnNamespaces = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"];

test("a machine that has all runs a pod, and the exit code is 0", { skip }, () => {
  const { status, about, failed } = doctorOn();
  assert.deepEqual([status, failed], [0, []]);
  assert.match(about("namespaces")?.found ?? "", /^a pod ran: in user, mount/);
  assert.equal(about("plain sandbox"), undefined, "what is not used is not tried");
  assert.match(about("resource limits")?.found ?? "", /memory/);
});

test("for people, each lack has a line of advice below it", { skip }, () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, "doctor", "--state", join(dir.path, "state")],
    { encoding: "utf8", env: { ...process.env, PATH: "/no/such" } },
  );
  assert.equal(status, 1);
  assert.match(stdout, /^FAIL git {16}not found\n {24}GitOps reads repositories with it: install git$/m);
  assert.match(stdout, /^note kubectl {12}not found\n {24}the platform works without/m);
  assert.match(stdout, /^ok {3}Node /m);
});

test("without git and curl the main job cannot run, without kubectl it can", { skip }, () => {
  const { status, about, failed } = doctorOn({ env: { PATH: "/no/such" } });
  assert.deepEqual([status, failed], [1, ["git", "curl"]]);
  assert.match(about("curl")?.advice ?? "", /traffic generator is curl/);
  assert.deepEqual([about("kubectl")?.ok, about("kubectl")?.needed], [false, false]);
});

test("a git that is too old is said to be", { skip }, () => {
  const bin = join(dir.path, "bin");
  mkdirSync(bin);
  const script = `printf '#!/bin/sh\\necho git version 2.17.1\\n' > ${bin}/git; chmod +x ${bin}/git`;
  const { status, about, failed } = doctorOn({ script, env: { PATH: `${bin}:${process.env["PATH"]}` } });
  assert.deepEqual([status, failed], [1, ["git"]]);
  assert.equal(about("git")?.advice, "install git 2.28 or newer");
});

for (const [lack, script, words, advice] of [
  [
    "unshare",
    'mount --bind /dev/null "$(command -v unshare)"',
    /Missing: unshare$/,
    /^Install util-linux\. Until then: pods run in the plain sandbox/,
  ],
  [
    "ip",
    'for file in $(which -a ip); do [ -h "$file" ] || mount --bind /dev/null "$file"; done',
    /Missing: ip$/,
    /^Install iproute2\./,
  ],
  [
    "user namespaces",
    "echo 0 > /proc/sys/user/max_user_namespaces",
    /User namespaces are not to be had: unshare: /,
    /max_user_namespaces/,
  ],
  [
    "a /proc that is not masked",
    "mount -t tmpfs none /proc/bus",
    /No file systems can be mounted in a user namespace: /,
    /systempaths=unconfined/,
  ],
  [
    "network namespaces",
    "echo 0 > /proc/sys/user/max_net_namespaces",
    /Mount, network or PID namespaces are not to be had: unshare: /,
    /max_net_namespaces/,
  ],
] as const) {
  test(`without ${lack} the plain sandbox stands in, and its price is told`, { skip }, () => {
    const { status, about, failed } = doctorOn({ script });
    assert.deepEqual([status, failed], [0, []]);
    assert.equal(about("namespaces")?.ok, false);
    assert.match(about("namespaces")?.found ?? "", words);
    assert.match(about("namespaces")?.advice ?? "", advice);
    assert.match(about("namespaces")?.advice ?? "", /nothing isolates.*\$POD_IP.*--allow-host-commands/);
    const found = about("plain sandbox")?.found ?? "";
    assert.match(
      found,
      /^a pod ran: as a process of your user, each pod with an address .* can be listened on$/,
    );
  });
}

test("where 127.0.0.1 is the only address, it is told that pods share it, and why", { skip }, () => {
  const script = `
    mount --bind /dev/null "$(command -v unshare)"
    ip link set lo up; ip address delete 127.0.0.1/8 dev lo; ip address add 127.0.0.1/32 dev lo`;
  const { status, about } = doctorOn({ script, namespaces: [...inOwnNamespaces, "--net"] });
  assert.equal(status, 0);
  assert.match(
    about("plain sandbox")?.found ?? "",
    /^a pod ran: .* mapped to free ports of 127\.0\.0\.1; 127\.0\.0\.1 is all .*EADDRNOTAVAIL/,
  );
});

test("where no pod can run at all, the main job cannot", { skip }, () => {
  const { status, about, failed } = doctorOn({
    env: { TMPDIR: "/no/such" },
  });
  assert.equal(status, 1);
  assert.ok(failed.includes("plain sandbox"));
  assert.match(about("namespaces")?.found ?? "", /^No temporary directory can be made: ENOENT/);
});

for (const [what, mount, found, advice] of [
  ["little room", "mount -t tmpfs -o size=50m none", /small \(50 MB free\)$/, /at least 200 MB/],
  ["a read-only disk", "mount -t tmpfs -o ro none", /small: EROFS$/, /--state DIR/],
] as const) {
  test(`${what} for the state directory is found out`, { skip }, () => {
    const small = join(dir.path, "small");
    mkdirSync(small, { recursive: true });
    const { status, about, failed } = doctorOn({ script: `${mount} ${small}`, args: ["--state", small] });
    assert.deepEqual([status, failed], [1, ["state directory"]]);
    assert.match(about("state directory")?.found ?? "", found);
    assert.match(about("state directory")?.advice ?? "", advice);
  });
}

test("a port that is taken is told with its holder, and hinders nothing", { skip }, async (t) => {
  const server = createServer();
  t.after(() => server.close());
  await new Promise<void>((resolve) => {
    server.once("error", () => resolve()); // Somebody else has it: as good.
    server.listen(30103, "127.0.0.1", () => resolve());
  });
  const { status, about } = doctorOn();
  assert.equal(status, 0);
  assert.equal(about("port 30103")?.ok, false);
  assert.match(about("port 30103")?.found ?? "", /^taken by .* \(process \d+\)$/);
  assert.match(about("port 30103")?.advice ?? "", /--ports free/);
});

test("findings stand in columns and keep to the terminal's width", () => {
  const found = { what: "namespaces", ok: false, needed: false, found: "not here" };
  const advice =
    "Allow them, and if that cannot be: pods run in the plain sandbox, as processes of your user";
  const text = findingsText(
    [
      { ...found, advice },
      { ...found, what: "git", ok: true },
    ],
    painter(false),
    60,
  );
  assert.equal(
    text,
    [
      "note namespaces         not here",
      "                        Allow them, and if that cannot be:",
      "                        pods run in the plain sandbox, as",
      "                        processes of your user",
      "ok   git                not here",
      "",
    ].join("\n"),
  );
  assert.ok(
    findingsText([{ ...found, advice }], painter(false)).includes(advice),
    "whole where it is no terminal",
  );
});
