import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  containerSpec,
  eventually,
  podSpec,
  skipWithoutNamespaces,
  temporaryDirectory,
} from "../../testing/index.ts";
import { type NamespacedSandbox, openNamespacedSandbox } from "./namespaced-sandbox.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

// Each of these tries what a program must not be able to do.
const skip = skipWithoutNamespaces();
const dir = temporaryDirectory();
const stateDir = join(dir.path, "state");
let sandbox: NamespacedSandbox;

const secret = `secret-of-the-host-${process.pid}`;
const abstractSocket = `\0tracegate-test-${process.pid}`;
const hostSockets = [createSocketServer(() => {}), createSocketServer(() => {})] as const;

before(async () => {
  // What a host has about: a kubeconfig, a key in a home, an engine's socket, a secret in the environment.
  mkdirSync(join(stateDir, "certificates"), { recursive: true });
  for (const file of ["kubeconfig", "certificates/admin.key", "api.db", "id_rsa"])
    writeFileSync(join(stateDir, file), secret, { mode: 0o600 });
  process.env["TRACEGATE_TEST_SECRET"] = secret;
  const [byName, byPath] = hostSockets;
  await new Promise<void>((resolve) => byName.listen(abstractSocket, resolve));
  await new Promise<void>((resolve) => byPath.listen(join(dir.path, "docker.sock"), resolve));
  if (skip === false) sandbox = await openNamespacedSandbox({ stateDir, clock: wallClock });
});
after(async () => {
  for (const server of hostSockets) server.close();
  if (skip === false) await sandbox.shutdown();
  dir[Symbol.dispose]();
});

/** Runs a shell script to its end in a pod of its own; what it printed. */
async function runScript(uid: string, script: string, spec = {}, pod = {}): Promise<string> {
  await sandbox.startPod(podSpec(uid, pod));
  assert.deepEqual(
    await sandbox.startContainer(containerSpec(stateDir, uid, ["sh", "-c", script], spec)),
    {},
  );
  await eventually(`${uid} has ended`, async () => {
    const state = (await sandbox.list()).find((candidate) => candidate.uid === uid)?.containers[0];
    return state?.state === "exited";
  });
  const output = printed(uid);
  await sandbox.removePod(uid);
  return output;
}
const printed = (uid: string) =>
  readFileSync(join(stateDir, "pods", uid, "c", "0.log"), "utf8")
    .split("\n")
    .map((line) => line.split(" ").slice(3).join(" "))
    .join("\n");

test("a pod reaches neither the host's loopback nor anything outside", { skip }, async (t) => {
  const host = createServer((_, response) => response.end("secret"));
  t.after(() => host.close());
  await new Promise<void>((resolve) => host.listen(0, "0.0.0.0", resolve));
  const { port } = host.address() as AddressInfo; // a TCP server's
  const places = ["127.0.0.1", "10.244.0.1", "10.244.255.1", "10.96.0.10", "192.0.2.1"];
  const script = places
    .map((ip) => `curl -s --max-time 2 http://${ip}:${port}/; echo "${ip}: $?"`)
    .join("; ");
  const lines = (await runScript("lonely", script)).trim().split("\n");
  for (const [index, ip] of places.entries()) {
    // 7: refused or no route; 28: nothing answers.
    assert.match(lines[index] ?? "", new RegExp(`^${ip.replaceAll(".", "\\.")}: (7|28)$`));
  }
});

test("a pod finds neither another pod's volume nor its processes, and cannot signal them", {
  skip,
}, async () => {
  const marker = `marker-${process.pid}-secret`;
  await sandbox.startPod(podSpec("victim", { memoryVolumes: ["key"] }));
  await sandbox.writeVolume("victim", "key", [
    { path: "key", content: Buffer.from(marker).toString("base64"), mode: 0o600 },
  ]);
  const mounts = [{ volume: "key", mountPath: "/key", readOnly: true }];
  const command = ["sleep", "98765"];
  await sandbox.startContainer(containerSpec(stateDir, "victim", command, { volumeMounts: mounts }));
  const output = await runScript(
    "thief",
    // A pattern that does not find the process that looks for it.
    `grep -l "98[7]65" /proc/[0-9]*/cmdline 2>/dev/null
     find / -xdev -name key 2>/dev/null; ls -d ${runtimeDirectory(stateDir)} 2>/dev/null
     kill -9 -1 2>/dev/null; ls -A /.old 2>/dev/null; echo done`,
  );
  assert.equal(output, "done\n");
  const [victim] = (await sandbox.list()).filter(({ uid }) => uid === "victim");
  assert.equal(victim?.containers[0]?.state, "running");
  await sandbox.removePod("victim");
});

/** Each prints a line for what it got hold of, and `done`: nothing else may come. */
const attacks: readonly [what: string, script: string][] = [
  [
    "writes into the system",
    `for dir in /usr /usr/bin /usr/lib /bin /lib /sbin /etc/ssl /etc/alternatives /proc/sys/kernel; do
       [ -d $dir ] && (echo x > $dir/written) 2>/dev/null && echo "wrote into $dir"
     done
     for file in /usr/bin/env /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger; do
       (: >> $file) 2>/dev/null && echo "opened $file for writing"
     done`,
  ],
  [
    "makes what is read-only writable again",
    `for dir in /usr /etc/ssl /proc/sys; do
       mount -o remount,bind,rw $dir 2>/dev/null && echo "remounted $dir"
       umount $dir 2>/dev/null && echo "unmounted $dir"
     done`,
  ],
  [
    "finds the state directory, the kubeconfig, a home or the checkout",
    `ls -d ${stateDir} ${dir.path} ${process.cwd()} ${homedir() === "/root" ? "/home" : homedir()} 2>/dev/null
     ls -A /root /home /mnt /media /srv /opt /boot /var/lib /var/run /run /tmp /.old 2>/dev/null | grep -v ':$' | grep .
     find / -xdev '(' -name kubeconfig -o -name id_rsa -o -name admin.key -o -name api.db -o -name '*.sock' ')' 2>/dev/null`,
  ],
  [
    "goes there by way of /proc",
    `for root in /proc/[0-9]*/root /proc/[0-9]*/cwd /proc/self/root/.. /proc/1/root/../..; do
       ls -d $root${stateDir} $root/${dir.path} $root${process.cwd()} 2>/dev/null
     done
     for link in /proc/[0-9]*/exe /proc/[0-9]*/fd/*; do readlink $link; done 2>/dev/null | grep -E '${dir.path}|[a]gent'`,
  ],
  [
    "reads what the agent was given in its environment, or what it has open",
    `cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -E 'SECRET|NODE_|XDG|SSH'
     env | cut -d= -f1 | grep -vE '^(PATH|HOME|HOSTNAME|PWD|_|SHLVL|OLDPWD)$'
     for fd in /proc/self/fd/*; do readlink $fd; done | grep -vE '^(/dev/null|pipe:.*|/proc/[0-9]+/fd)$' | grep -vxF "$(readlink /proc/1/fd/2)"`,
  ],
  [
    "mounts",
    `mkdir -p /tmp/m
     mount -t tmpfs x /tmp/m 2>/dev/null && echo "a tmpfs"; mount -t proc x /tmp/m 2>/dev/null && echo "a proc"
     mount -t sysfs x /tmp/m 2>/dev/null && echo "a sysfs"; mount -t cgroup2 x /tmp/m 2>/dev/null && echo "cgroups"
     mount --bind / /tmp/m 2>/dev/null && echo "a bind"; umount -l / 2>/dev/null && echo "unmounted the root"
     for disk in /dev/vda /dev/sda /dev/nvme0n1; do mount $disk /tmp/m 2>/dev/null && echo "$disk"; done`,
  ],
  [
    "makes device nodes",
    `i=0; for pair in 8:0 254:0 1:1 1:2 10:232; do
       i=$((i+1)); mknod /tmp/d$i b \${pair%:*} \${pair#*:} 2>/dev/null && head -c1 /tmp/d$i >/dev/null 2>&1 && echo "block $pair"
       mknod /dev/shm/c$i c \${pair%:*} \${pair#*:} 2>/dev/null && head -c1 /dev/shm/c$i >/dev/null 2>&1 && echo "char $pair"
     done
     ls /dev | grep -vxE 'fd|full|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero|termination-log'`,
  ],
  [
    "finds devices, kernel settings or cgroups below /sys",
    "ls -A /sys 2>/dev/null | grep .; cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | head -c 9",
  ],
  [
    "enters other namespaces, or makes some to have capabilities in",
    `for kind in user mount net pid uts ipc cgroup; do
       unshare --$kind true 2>/dev/null && echo "made a $kind namespace"
       nsenter --target 1 --$kind true 2>/dev/null && echo "entered a $kind namespace"
     done
     hostname other 2>/dev/null && echo "named the host"
     ip link add dummy0 type dummy 2>/dev/null && echo "made a link"`,
  ],
  [
    "gains by set-uid programs",
    `grep -h NoNewPrivs /proc/self/status | grep -v '1$'
     for file in $(find /usr -xdev -perm -4000 2>/dev/null); do echo; done >/dev/null
     cp /usr/bin/env /tmp/env && chmod u+s /tmp/env && /tmp/env sh -c 'grep CapEff /proc/self/status' > /tmp/after
     grep CapEff /proc/self/status | cmp -s - /tmp/after || echo "other capabilities"`,
  ],
  [
    "leaves its root by chroot",
    `command -v perl >/dev/null && perl -e '
       mkdir "/tmp/c"; opendir(my $d, "/"); chroot "/tmp/c" or exit; chdir $d; chdir ".." for 1..64; chroot ".";
       print "out\\n" if -e "${stateDir}" || -e "${dir.path}"'`,
  ],
  [
    "sees, traces or signals processes outside of the pod",
    `ls -d /proc/[0-9]* | while read dir; do tr '\\0' ' ' < $dir/cmdline; done 2>/dev/null | grep -E '[a]gent/main|[u]nshare'
     kill -9 -1 2>/dev/null
     kill -0 ${process.pid} 2>/dev/null && echo "signalled the host"
     head -c1 /proc/${process.pid}/mem 2>/dev/null && echo "read memory"`,
  ],
  [
    "meets the host in shared memory and queues",
    `ipcs -m | grep -E '^0x'; ipcs -q | grep -E '^0x'; ls -A /dev/shm /dev/mqueue 2>/dev/null | grep -v ':$' | grep .`,
  ],
  [
    "connects to sockets of the host, by path or abstract name",
    `/node -e '
       const { connect } = require("node:net");
       const paths = [process.argv[1].replace("@", "\\0"), "${dir.path}/docker.sock", "/var/run/docker.sock", "/run/docker.sock",
         "/run/dbus/system_bus_socket", "${runtimeDirectory(stateDir)}/a"];
       for (const path of paths) connect(path).on("connect", () => { console.log("connected", path); process.exit(); }).on("error", () => {});
     ' @${abstractSocket.slice(1)}`,
  ],
  [
    "uses more disk than it was given",
    `head -c 200000000 /dev/zero > /tmp/big 2>/dev/null; [ $(stat -c %s /tmp/big) -gt 67108864 ] && echo "wrote more"; rm /tmp/big`,
  ],
];
for (const [what, script] of attacks) {
  test(`a program in a pod fails when it ${what}`, { skip }, async () => {
    const uid = `attack-${attacks.findIndex(([other]) => other === what)}`;
    const text = `${script}\necho done`;
    const output = await runScript(uid, text, { binds: [{ source: process.execPath, target: "/node" }] });
    assert.equal(output, "done\n");
    assert.doesNotMatch(output, new RegExp(secret));
  });
}

test("what a hostile program leaves in a volume leads nowhere: removing, mounting and reading stay in the pod", {
  skip,
}, async () => {
  const outside = join(dir.path, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "kept"), secret);
  const data = join(stateDir, "pods", "links", "volumes", "data");
  const pod = { diskVolumes: { data }, memoryVolumes: ["cfg"] };
  const volumeMounts = [{ volume: "data", mountPath: "/data", readOnly: false }];
  await runScript(
    "links",
    `ln -s ${outside} /data/dir; ln -s ${outside}/kept /data/file`,
    { volumeMounts },
    pod,
  );
  assert.equal(readFileSync(join(outside, "kept"), "utf8"), secret);
  assert.equal(existsSync(data), false);

  // The same links, found by the next container of a pod.
  await sandbox.startPod(podSpec("links2", { ...pod, diskVolumes: { data } }));
  symlinkSync(outside, join(data, "dir"));
  symlinkSync(join(outside, "new"), join(data, "dangling"));
  for (const [name, more, reason] of [
    [
      "nested",
      [{ volume: "cfg", mountPath: "/data/dir/made", readOnly: true }],
      /"\/data\/dir\/made" leads out/,
    ],
    [
      "hanging",
      [{ volume: "cfg", mountPath: "/data/dangling", readOnly: true }],
      /"\/data\/dangling" leads out/,
    ],
    [
      "sub",
      [{ volume: "data", subPath: "dir/made", mountPath: "/x", readOnly: false }],
      /"dir\/made" leads out/,
    ],
  ] as const) {
    const spec = { name, volumeMounts: [...volumeMounts, ...more] };
    const { startError } = await sandbox.startContainer(containerSpec(stateDir, "links2", ["true"], spec));
    assert.match(startError ?? "", reason);
  }
  const message = { name: "message", volumeMounts, terminationMessagePath: "/data/dir/message" };
  const { startError } = await sandbox.startContainer(containerSpec(stateDir, "links2", ["true"], message));
  assert.match(startError ?? "", /leads out of its volume/);
  assert.deepEqual(readdirSync(outside), ["kept"]);
  await sandbox.removePod("links2");
});

test("a message is read from the container's own file, whatever the program puts in its place", {
  skip,
}, async () => {
  await sandbox.startPod(podSpec("liar"));
  const script = `rm -f /dev/termination-log; mv /dev/termination-log /tmp/x; ln -sf ${stateDir}/kubeconfig /dev/termination-log; exit 1`;
  await sandbox.startContainer(containerSpec(stateDir, "liar", ["sh", "-c", script]));
  const ended = await eventually("it has ended", async () => {
    const state = (await sandbox.list()).find(({ uid }) => uid === "liar")?.containers[0];
    return state?.state === "exited" ? state : undefined;
  });
  assert.doesNotMatch(ended.terminationMessage ?? "", new RegExp(secret));
  await sandbox.removePod("liar");
});

test("a file of a volume lies below it, whatever its name", { skip }, async () => {
  await sandbox.startPod(podSpec("dots", { memoryVolumes: ["cfg"] }));
  const path = "../../../../escaped";
  await sandbox.writeVolume("dots", "cfg", [{ path, content: "eA==", mode: 0o644 }]);
  const volumeMounts = [{ volume: "cfg", mountPath: "/cfg", readOnly: true }];
  const spec = containerSpec(stateDir, "dots", ["cat", "/cfg/escaped"], { volumeMounts });
  assert.deepEqual(await sandbox.startContainer(spec), {});
  await eventually("it has read it", () => printed("dots").startsWith("x"));
  await sandbox.removePod("dots");
});

test("what stands in for a tool of the start or of exec has no more power than the program", {
  skip,
}, async () => {
  // The container's own steps run in its root: a volume over /usr/local/sbin comes before the system's tools.
  const stand = (name: string) => ({
    path: name,
    mode: 0o755,
    content: Buffer.from(
      `#!/bin/bash
{ /usr/bin/mount -o remount,bind,rw /usr && /usr/bin/touch /usr/lib/tracegate-was-here && echo "wrote into the system"
  /usr/bin/mount -t cgroup2 x /mnt && echo "mounted cgroups"
  /usr/bin/umount /proc/sys && echo 1 > /proc/sys/vm/drop_caches && echo "changed the kernel"
  /usr/bin/ls -d ${stateDir} ${dir.path} /.old/*
  PATH=/usr/bin:/bin /usr/bin/nsenter --target 1 --mount --net /usr/bin/ls -d ${stateDir}
} 2>/dev/null
echo "stood in"
exec /usr/bin/${name} "$@"
`,
    ).toString("base64"),
  });
  const uid = "stand-in";
  await sandbox.startPod(podSpec(uid, { memoryVolumes: ["tools"] }));
  await sandbox.writeVolume(uid, "tools", [stand("setpriv"), stand("sh"), stand("env")]);
  const volumeMounts = [{ volume: "tools", mountPath: "/usr/local/sbin", readOnly: true }];
  const spec = containerSpec(stateDir, uid, ["/bin/sh", "-c", "echo started; exec sleep 1000"], {
    volumeMounts,
  });
  assert.deepEqual(await sandbox.startContainer(spec), {});
  await eventually("it has started", () => printed(uid).includes("started"));
  const limits = { timeoutMs: 20_000, outputLimit: 10_000, stdin: false, tty: false };
  const { output } = await sandbox.exec({
    podUid: uid,
    container: "c",
    command: ["/bin/echo", "ran"],
    ...limits,
  });
  const lines = new Set(`${printed(uid)}${output}`.trim().split("\n"));
  assert.deepEqual(lines, new Set(["stood in", "started", "ran"]));
  await sandbox.removePod(uid);
});
