import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { wallClock } from "@tracegate/contracts";
import {
  containerSpec,
  eventually,
  podSpec,
  processesWith,
  skipWithoutNamespaces,
  temporaryDirectory,
} from "../../testing/index.ts";
import { agentProtocolVersion } from "../agent/protocol.ts";
import { dialThroughAgent, openAgentStream } from "../dial.ts";
import type { ContainerProcessState } from "../sandbox.ts";
import { type NamespacedSandbox, openNamespacedSandbox } from "./namespaced-sandbox.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
const stateDir = join(dir.path, "state");
let sandbox: NamespacedSandbox;

before(async () => {
  if (skip === false) sandbox = await openNamespacedSandbox({ stateDir, clock: wallClock, graceMs: 30_000 });
});
after(async () => {
  if (skip === false) await sandbox.shutdown();
  dir[Symbol.dispose]();
});

const stateOf = async (uid: string): Promise<ContainerProcessState | undefined> =>
  (await sandbox.list()).find((pod) => pod.uid === uid)?.containers.find(({ name }) => name === "c");
const exitOf = (uid: string) =>
  eventually(`${uid} has ended`, async () => {
    const state = await stateOf(uid);
    return state?.state === "exited" ? state : undefined;
  });
const printed = (uid: string) =>
  readFileSync(join(stateDir, "pods", uid, "c", "0.log"), "utf8")
    .split("\n")
    .map((line) => line.split(" ").slice(3).join(" "))
    .join("\n");

/** Runs a shell script to its end in a pod of its own. */
async function runScript(
  uid: string,
  script: string,
  overrides = {},
  pod = {},
): Promise<{ exitCode: number; output: string }> {
  await sandbox.startPod(podSpec(uid, pod));
  assert.deepEqual(
    await sandbox.startContainer(containerSpec(stateDir, uid, ["sh", "-c", script], overrides)),
    {},
  );
  const { exitCode = -1 } = await exitOf(uid);
  const output = printed(uid);
  await sandbox.removePod(uid);
  return { exitCode, output };
}

const serverSource = `
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
int main(void) {
  int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = INADDR_ANY };
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 16)) { perror("bind"); return 1; }
  for (;;) {
    char host[65], body[200], in[2000];
    int c = accept(s, 0, 0);
    gethostname(host, sizeof host);
    (void)!read(c, in, sizeof in);
    int n = snprintf(body, sizeof body, "HTTP/1.0 200 OK\\r\\nContent-Length: %zu\\r\\n\\r\\n%s\\n", strlen(host) + 1, host);
    (void)!write(c, body, n);
    close(c);
  }
}
`;

test("pods that come and go leave the gateway's hardware address as it is, so nobody sends to an old one", {
  skip,
}, async () => {
  const seen: string[] = [];
  for (const uid of ["mac-a", "mac-b", "mac-c", "mac-d"]) {
    const look =
      "curl -s --max-time 5 http://10.244.0.1:9 ; grep '^10.244.0.1 ' /proc/net/arp | tr -s ' ' | cut -d' ' -f4";
    const { output } = await runScript(uid, look);
    seen.push(output.trim());
  }
  assert.match(seen[0] ?? "", /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  assert.deepEqual(new Set(seen).size, 1, seen.join(", "));
});

test("an unmodified static binary: two replicas bind the same port, and a ClusterIP and a name lead to both", {
  skip,
}, async (t) => {
  const binary = join(dir.path, "bin", "server");
  mkdirSync(join(dir.path, "bin"));
  writeFileSync(`${binary}.c`, serverSource);
  const built = spawnSync("gcc", ["-static", "-O1", "-o", binary, `${binary}.c`], { encoding: "utf8" });
  if (built.status !== 0 && process.env["CI"] !== "true") {
    console.error(`SKIPPED, not tested here: no static C compiler (${built.error?.message ?? built.stderr})`);
    return t.skip("no static C compiler");
  }
  assert.equal(built.status, 0, built.stderr);
  const ips: string[] = [];
  for (const uid of ["web-a", "web-b"]) {
    const { ip } = await sandbox.startPod(podSpec(uid));
    ips.push(ip);
    const spec = containerSpec(stateDir, uid, ["/app/server"], {
      binds: [{ source: join(dir.path, "bin"), target: "/app" }],
    });
    assert.deepEqual(await sandbox.startContainer(spec), {});
  }
  const dialAll = async () => {
    for (const ip of ips) (await sandbox.dial(ip, 8080)).destroy();
    return true;
  };
  await eventually("both serve", () => dialAll().catch(() => false));
  await sandbox.setNetwork({
    services: [{ clusterIP: "10.96.7.7", port: 80, endpoints: ips.map((ip) => ({ ip, port: 8080 })) }],
    records: { "web.default.svc.cluster.local": { a: ["10.96.7.7"] } },
  });
  const { exitCode, output } = await runScript(
    "client",
    "for i in 1 2 3 4; do curl -sS http://web/; done; curl -sS http://web.default.svc.cluster.local/; curl -sS http://10.96.7.7:81/ 2>&1",
  );
  assert.equal(exitCode, 7);
  assert.match(output, /Failed to connect to 10\.96\.7\.7 port 81/);
  assert.deepEqual(new Set(output.match(/web-[ab]/g)), new Set(["web-a", "web-b"]));
  assert.equal(output.match(/web-[ab]/g)?.length, 5);
  await sandbox.setNetwork({ services: [{ clusterIP: "10.96.7.7", port: 80, endpoints: [] }], records: {} });
  await assert.rejects(sandbox.dial("10.96.7.7", 80), {
    message: "dial tcp 10.96.7.7:80: connect: connection refused",
  });
  await assert.rejects(dialThroughAgent(sandbox.socketPath, ips[0] ?? "", 81), {
    message: `dial tcp ${ips[0]}:81: connect: connection refused`,
  });
  await sandbox.removePod("web-a");
  await sandbox.removePod("web-b");
});

test("a pod sees neither the state directory, nor a home, nor the checkout, nor another pod", {
  skip,
}, async () => {
  await sandbox.startPod(podSpec("neighbour", { memoryVolumes: ["secret"] }));
  const { output } = await runScript(
    "curious",
    [
      `ls -d ${stateDir} ${userInfo().homedir === "/root" ? "/home" : userInfo().homedir} ${process.cwd()} ${sandbox.socketPath} /tmp/* /root/* 2>/dev/null`,
      "echo processes: $(ls -d /proc/[0-9]* | wc -l)",
      "echo mounts: $(grep -c tracegate /proc/self/mountinfo)",
      "touch /usr/x 2>/dev/null && echo wrote /usr",
      "echo 1 2>/dev/null > /proc/sys/kernel/sysrq && echo wrote sysctl",
      "unshare --user true 2>/dev/null && echo made a user namespace",
      "mount -t tmpfs x /mnt 2>/dev/null && echo mounted",
      "grep NoNewPrivs /proc/self/status",
      "hostname",
    ].join("\n"),
  );
  assert.match(output.trim(), /^processes: [2-5]\nmounts: \d+\nNoNewPrivs:\t1\ncurious$/);
  await sandbox.removePod("neighbour");
});

test("a program that cannot be started says why, in a container runtime's words", { skip }, async () => {
  await sandbox.startPod(podSpec("bad"));
  for (const [name, command, message] of [
    ["missing", ["nosuch"], 'exec: "nosuch": executable file not found in $PATH'],
    ["absent", ["/no/such"], 'exec: "/no/such": stat /no/such: no such file or directory'],
    ["plain", ["/etc/hosts"], 'exec: "/etc/hosts": permission denied'],
  ] as const) {
    const answer = await sandbox.startContainer(containerSpec(stateDir, "bad", [...command], { name }));
    assert.deepEqual(answer, { startError: message });
  }
  await sandbox.removePod("bad");
});

test("nothing of a container's environment reaches the steps that set it up", { skip }, async () => {
  const { exitCode, output } = await runScript("env", "echo $PATH:$X", {
    env: { PATH: "/usr/bin:/bin:/own", X: "a b=c", LD_PRELOAD: "/no/such.so" },
  });
  assert.equal(exitCode, 0);
  assert.match(output, /\/usr\/bin:\/bin:\/own:a b=c/);
});

test("volumes lie at their mount paths, also inside one another; a link does not lead a subPath out", {
  skip,
}, async () => {
  const disk = join(stateDir, "pods", "vol", "volumes", "data");
  const pod = { memoryVolumes: ["cfg"], diskVolumes: { data: disk } };
  await sandbox.startPod(podSpec("vol", pod));
  await sandbox.writeVolume("vol", "cfg", [
    { path: "a", content: Buffer.from("text").toString("base64"), mode: 0o644 },
  ]);
  const mounts = [
    { volume: "data", mountPath: "/data", readOnly: false },
    { volume: "cfg", mountPath: "/data/cfg", readOnly: true },
  ];
  const { output } = await runScript(
    "vol",
    "cat /data/cfg/a; echo; echo x > /data/file; touch /data/cfg/b || echo read-only; ln -s / /data/out",
    {
      volumeMounts: mounts,
    },
    pod,
  );
  assert.match(output, /^text\n[\s\S]*read-only/);
  await sandbox.startPod(podSpec("vol2", { diskVolumes: { data: join(dir.path, "data2") } }));
  spawnSync("ln", ["-s", "/", join(dir.path, "data2", "out")]);
  const answer = await sandbox.startContainer(
    containerSpec(stateDir, "vol2", ["true"], {
      volumeMounts: [{ volume: "data", subPath: "out/root", mountPath: "/x", readOnly: false }],
    }),
  );
  assert.match(answer.startError ?? "", /leads out of its volume/);
  await sandbox.removePod("vol2");
});

test("a program that ignores SIGTERM is killed after its grace; one that obeys is not", {
  skip,
}, async () => {
  for (const [uid, handler, exitCode] of [
    ["stubborn", "trap '' TERM", 137],
    ["obedient", "trap 'exit 9' TERM", 9],
  ] as const) {
    await sandbox.startPod(podSpec(uid));
    const script = `${handler}; echo up; while :; do sleep 0.05; done`;
    await sandbox.startContainer(containerSpec(stateDir, uid, ["sh", "-c", script]));
    await eventually("it has set its trap", () => printed(uid).includes("up"));
    await sandbox.stopContainer(uid, "c", uid === "stubborn" ? 300 : 20_000);
    assert.equal((await exitOf(uid)).exitCode, exitCode);
    await sandbox.removePod(uid);
  }
});

test("exec runs in the container: output, exit code, input, terminal, timeout", { skip }, async () => {
  await sandbox.startPod(podSpec("ex"));
  await sandbox.startContainer(containerSpec(stateDir, "ex", ["sleep", "1000"], { env: { A: "b" } }));
  const target = { podUid: "ex", container: "c", stdin: false, tty: false };
  const limits = { timeoutMs: 10_000, outputLimit: 1000 };
  const ran = await sandbox.exec({
    ...target,
    ...limits,
    command: ["sh", "-c", "hostname; echo $A; exit 3"],
  });
  assert.deepEqual(ran, { exitCode: 3, output: "ex\nb\n", timedOut: false });
  const late = await sandbox.exec({ ...target, ...limits, timeoutMs: 100, command: ["sleep", "100"] });
  assert.equal(late.timedOut, true);
  for (const tty of [false, true]) {
    const stream = await sandbox.execStream({
      ...target,
      stdin: true,
      tty,
      command: ["sh", "-c", "test -t 1 && echo terminal; read x; echo got $x; exit 4"],
    });
    let output = "";
    stream.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    stream.stdin.write("word\n");
    assert.equal(await stream.exitCode, 4);
    assert.match(output, /got word/);
    assert.equal(output.includes("terminal"), tty);
  }
  await sandbox.removePod("ex");
  await assert.rejects(sandbox.exec({ ...target, ...limits, command: ["true"] }), /has no sandbox/);
});

test("connections inside to a platform address come out here", { skip }, async () => {
  const closer = await sandbox.listen("10.244.255.9", 80, (connection) => {
    connection.once("data", () => connection.end("HTTP/1.0 200 OK\r\n\r\nfrom outside\n"));
  });
  const { output } = await runScript("caller", "curl -sS http://10.244.255.9/");
  assert.equal(output.trim(), "from outside");
  await closer.close();
});

const controlPlane = fileURLToPath(new URL("../../testing/control-plane.ts", import.meta.url));

/** Starts a control plane in a process of its own and waits for the address of its pod. */
async function startControlPlane(state: string, graceMs: number, marker: string, identity = {}) {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", controlPlane, state, String(graceMs), marker],
    {
      stdio: ["ignore", "pipe", "pipe"],
      ...identity,
    },
  );
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ip = await eventually("the control plane has started its pod", () => {
    if (child.exitCode !== null) throw new Error(errors);
    return /10\.244\.\d+\.\d+/.exec(output)?.[0];
  });
  return { child, ip };
}

test("after kill -9 of the control plane its pods go on, and the next one finds them; left alone they end with the agent", {
  skip,
}, async () => {
  const state = join(dir.path, "killed");
  const marker = `marker-${process.pid}-killed`;
  const { child, ip } = await startControlPlane(state, 60_000, marker);
  const pods = processesWith(marker).length;
  assert.ok(pods > 0);
  child.kill("SIGKILL");
  await eventually("the control plane is gone", () => child.signalCode === "SIGKILL");
  const next = await openNamespacedSandbox({ stateDir: state, clock: wallClock, graceMs: 200 });
  const [pod] = await next.list();
  assert.equal(pod?.ip, ip);
  assert.equal(pod?.containers[0]?.state, "running");
  assert.equal(pod?.containers[0]?.attempt, 0);
  assert.deepEqual(await next.startPod(podSpec("kept")), { ip });
  next.detach();
  await eventually(
    "nothing is left",
    () => processesWith(marker).length === 0 && !existsSync(runtimeDirectory(state)),
  );
});

test("shutdown leaves no process and no file", { skip }, async () => {
  const state = join(dir.path, "short");
  const own = await openNamespacedSandbox({ stateDir: state, clock: wallClock });
  const marker = `marker-${process.pid}-short`;
  await own.startPod(podSpec("x"));
  await own.startContainer(containerSpec(state, "x", ["sh", "-c", `while :; do sleep 1; done # ${marker}`]));
  await own.shutdown();
  await eventually(
    "nothing is left",
    () => processesWith(marker).length === 0 && !existsSync(runtimeDirectory(state)),
  );
});

test("a lost agent is replaced, and that is told", { skip }, async () => {
  const state = join(dir.path, "lost");
  const own = await openNamespacedSandbox({ stateDir: state, clock: wallClock });
  const told = new Promise<void>((resolve) => own.onChange((change) => change === undefined && resolve()));
  await own.startPod(podSpec("x"));
  for (const pid of processesWith(runtimeDirectory(state))) process.kill(pid, "SIGKILL");
  await told;
  assert.deepEqual(await own.list(), []);
  await own.shutdown();
});

test("a container whose processes together hold more than its memory limit is killed; one that stays below runs on", {
  skip,
}, async () => {
  // Neither of the two processes is over the limit alone.
  const hold = (mib: number) =>
    `/node -e 'const held = Buffer.alloc(${mib} << 20, 1); setInterval(() => held, 1000)'`;
  const binds = [{ source: process.execPath, target: "/node" }];
  const memoryLimitBytes = 200 << 20;
  for (const [uid, script] of [
    ["over", `${hold(130)} & ${hold(130)}`],
    ["below", `${hold(30)} & ${hold(30)}`],
  ] as const) {
    await sandbox.startPod(podSpec(uid));
    assert.deepEqual(
      await sandbox.startContainer(
        containerSpec(stateDir, uid, ["sh", "-c", script], { memoryLimitBytes, binds }),
      ),
      {},
    );
  }
  const { exitCode, oomKilled } = await exitOf("over");
  assert.deepEqual({ exitCode, oomKilled }, { exitCode: 137, oomKilled: true });
  const below = (await sandbox.list()).find(({ uid }) => uid === "below")?.containers[0];
  assert.equal(below?.state, "running");
  for (const uid of ["over", "below"]) await sandbox.removePod(uid);
});

test("an agent of another version makes way", { skip }, async () => {
  const state = join(dir.path, "version");
  const first = await openNamespacedSandbox({ stateDir: state, clock: wallClock });
  await first.startPod(podSpec("old"));
  first.detach();
  await assert.rejects(
    openAgentStream(first.socketPath, {
      op: "control",
      version: agentProtocolVersion + 1,
      sandbox: "namespaced",
      graceMs: 0,
    }),
  );
  const second = await openNamespacedSandbox({ stateDir: state, clock: wallClock });
  assert.deepEqual(await second.list(), []);
  await second.shutdown();
});

test("a user without privileges runs pods too", {
  skip: skip || (process.getuid?.() !== 0 && "is run by one already"),
}, async () => {
  const state = join(dir.path, "nobody");
  const marker = `marker-${process.pid}-nobody`;
  mkdirSync(state);
  chownSync(state, 65_534, 65_534);
  chownSync(dir.path, 65_534, 65_534);
  const { child } = await startControlPlane(state, 100, marker, {
    uid: 65_534,
    gid: 65_534,
    cwd: "/",
    env: { PATH: process.env["PATH"] },
  });
  const pids = processesWith(marker).filter((pid) => pid !== child.pid);
  assert.ok(pids.length > 0);
  for (const pid of pids) assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^Uid:\t65534\t65534/m);
  child.kill("SIGKILL");
  await eventually("nothing is left", () => processesWith(marker).length === 0);
});
