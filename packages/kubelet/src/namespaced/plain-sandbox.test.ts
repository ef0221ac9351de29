import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  containerSpec,
  eventually,
  podSpec,
  processesWith,
  temporaryDirectory,
} from "../../testing/index.ts";
import type { PodSandboxSpec } from "../sandbox.ts";
import { type NamespacedSandbox, openPlainSandbox } from "./namespaced-sandbox.ts";
import { plainKind } from "./plain-kind.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

// What a sandbox without namespaces must do, whether each pod has an address of its own or all share 127.0.0.1.
for (const [kind, skip] of [
  ["plain", (await plainKind()).kind !== "plain" && "this machine does not answer on all of 127.0.0.0/8"],
  ["loopback", false],
] as const) {
  describe(`the ${kind} sandbox`, { skip }, () => {
    const dir = temporaryDirectory();
    const stateDir = join(dir.path, "state");
    let sandbox: NamespacedSandbox;

    before(async () => {
      sandbox = await openPlainSandbox({ stateDir, clock: wallClock }, kind);
    });
    after(async () => {
      await sandbox.shutdown();
      dir[Symbol.dispose]();
    });

    const exitOf = (uid: string, own = sandbox) =>
      eventually(`${uid} has ended`, async () => {
        const pod = (await own.list()).find((candidate) => candidate.uid === uid);
        return pod?.containers[0]?.state === "exited" ? pod.containers[0] : undefined;
      });
    const printed = (uid: string) =>
      readFileSync(join(stateDir, "pods", uid, "c", "0.log"), "utf8")
        .split("\n")
        .map((line) => line.split(" ").slice(3).join(" "))
        .join("\n");

    /** A program that the sandbox does not see into, as one that is not written for Node. */
    const notNode = (listen: string, answer: string) => [
      ...["env", "-u", "NODE_OPTIONS", process.execPath, "-e"],
      `const { PORT, POD_IP } = process.env; require("node:net").createServer((socket) => socket.end("${answer}")).${listen}`,
    ];
    const server = [
      process.execPath,
      "-e",
      "require('node:http').createServer((q,s)=>s.end(process.env.NAME)).listen(8080)",
    ];

    test("two Node programs bind the same port, and a service leads curl and Node to both by its name", async () => {
      const ips: string[] = [];
      for (const uid of ["web-a", "web-b"]) {
        ips.push((await sandbox.startPod(podSpec(uid))).ip);
        assert.deepEqual(
          await sandbox.startContainer(containerSpec(stateDir, uid, server, { env: { NAME: uid } })),
          {},
        );
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
      await sandbox.startPod(podSpec("client"));
      const get = `for i in 1 2; do curl -s http://web/; echo; curl -s http://web.default.svc.cluster.local/; echo; done`;
      const byNode = `${process.execPath} -e 'fetch("http://web").then((a) => a.text()).then(console.log)'`;
      const refused = "curl -s -o /dev/null -w '%{http_code}' http://web:81/";
      await sandbox.startContainer(
        containerSpec(stateDir, "client", ["sh", "-c", `${get}; ${byNode}; ${byNode}; ${refused}`]),
      );
      await exitOf("client");
      const lines = printed("client").trim().split("\n");
      assert.equal(lines.pop(), "502");
      assert.equal(lines.length, 6);
      assert.deepEqual(new Set(lines), new Set(["web-a", "web-b"]));
      await assert.rejects(sandbox.dial("10.96.7.7", 81), {
        message: "dial tcp 10.96.7.7:81: connect: connection refused",
      });
      for (const uid of ["web-a", "web-b", "client"]) await sandbox.removePod(uid);
    });

    /** Where a connection to a port of a pod comes out: what answers there, or why nothing does. */
    const answerOf = async (ip: string, port: number): Promise<string> => {
      try {
        return await textOf(await sandbox.dial(ip, port));
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };
    const run = async (uid: string, command: string[], pod: Partial<PodSandboxSpec> = {}) => {
      const { ip } = await sandbox.startPod(podSpec(uid, pod));
      assert.deepEqual(await sandbox.startContainer(containerSpec(stateDir, uid, command)), {});
      return ip;
    };

    test("four replicas of a program that is not Node listen on $POD_IP:$PORT and are met at the port they declare", async () => {
      const replicas = ["r1", "r2", "r3", "r4"];
      for (const uid of replicas) {
        const ip = await run(uid, notNode(`listen(PORT, POD_IP)`, uid), { ports: { c: [8080] } });
        await eventually(`${uid} answers`, async () => (await answerOf(ip, 8080)) === uid);
        assert.match(await answerOf(ip, 9), /refused/);
      }
      for (const uid of replicas) await sandbox.removePod(uid);
    });

    test("a port that a manifest sets by itself is the real one; of two ports each has a variable", async () => {
      const set = containerSpec(stateDir, "set", notNode("listen(PORT, POD_IP)", "set"), {
        env: { PORT: "8080" },
      });
      const { ip } = await sandbox.startPod(podSpec("set", { ports: { c: [9090, 8080], d: [7070] } }));
      assert.deepEqual(await sandbox.startContainer(set), {});
      await eventually("it answers", async () => (await answerOf(ip, 8080)) === "set");
      const { output } = await sandbox.exec({
        ...{ podUid: "set", container: "c", stdin: false, tty: false, timeoutMs: 20_000, outputLimit: 99 },
        command: ["sh", "-c", "echo $TRACEGATE_PORT_8080 $TRACEGATE_PORT_7070; echo $PORT"],
      });
      const [ports = "", port = ""] = output.split("\n");
      assert.equal(ports.split(" ")[0], port);
      assert.equal(new Set([...ports.split(" "), "8080", "7070"]).size, kind === "plain" ? 2 : 4);
      await sandbox.removePod("set");
    });

    test("what a Node program starts is told what a program is told that is not Node", async () => {
      const child = JSON.stringify(notNode("listen(PORT, POD_IP)", "child"));
      const script = `
        console.log(process.env.PORT, process.env.http_proxy);
        const [program, ...args] = ${child};
        require("node:child_process").spawn(program, args, { stdio: "inherit" });
        require("node:child_process").exec("echo $http_proxy", (_, text) => console.log(text.startsWith("http://pod:")));`;
      const ports = { c: [8080] };
      const ip = await run("wraps", [process.execPath, "-e", script], { ports });
      await eventually("the child answers", async () => (await answerOf(ip, 8080)) === "child");
      await eventually("both have spoken", () => printed("wraps").includes("true"));
      assert.equal(printed("wraps"), "8080 undefined\ntrue\n");
      await sandbox.removePod("wraps");
    });

    test("a Node program hears of its own ports only, finds itself by them, and a port it holds is in use", async () => {
      const script = `
        const net = require("node:net");
        const server = (text) => net.createServer((socket) => socket.end(text));
        const first = server("first").listen(8080, "localhost", () => {
          console.log(process.env.PORT, first.address().port);
          server("").on("error", ({ code }) => {
            console.log(code);
            net.connect(8080).on("data", (bytes) => {
              console.log("found", String(bytes));
              first.close(() => {
                net.connect(8080).on("error", ({ code }) => {
                  console.log(code);
                  server("second").listen({ port: 8080 }, () => console.log("again"));
                });
              });
            });
          }).listen(8080);
        });`;
      const ip = await run("self", [process.execPath, "-e", script], { ports: { c: [8080] } });
      await eventually("it is there again", () => printed("self").includes("again"));
      const lines = ["8080 8080", "EADDRINUSE", "found first", "ECONNREFUSED", "again"];
      assert.deepEqual(printed("self").trim().split("\n"), lines);
      assert.equal(await answerOf(ip, 8080), "second");
      await sandbox.removePod("self");
      assert.match(await answerOf(ip, 8080), /refused/);
    });

    test("the workers of a cluster of Node processes share a port, and any of them may end", async () => {
      const script = `
        const cluster = require("node:cluster");
        const work = () => require("node:net").createServer((socket) => socket.end("w" + cluster.worker.id)).listen(8080);
        if (cluster.isPrimary) { cluster.fork(); cluster.fork(); cluster.on("message", (worker) => worker.process.kill()); }
        else work().on("connection", (socket) => socket.on("close", () => cluster.worker.id === 1 && process.send("end me")));`;
      writeFileSync(join(dir.path, "cluster.cjs"), script);
      const ip = await run("many", [process.execPath, join(dir.path, "cluster.cjs")]);
      await eventually("one has answered and ended", async () => (await answerOf(ip, 8080)) === "w1");
      for (let times = 0; times < 4; times += 1)
        await eventually("the other answers", async () => (await answerOf(ip, 8080)) === "w2");
      await sandbox.removePod("many");
    });

    test("volumes are found by the paths of the manifest, and go with the pod", async () => {
      await sandbox.startPod(podSpec("vol", { memoryVolumes: ["cfg"] }));
      await sandbox.writeVolume("vol", "cfg", [
        { path: "a", content: Buffer.from("text").toString("base64"), mode: 0o644 },
      ]);
      const command = ["sh", "-c", "cat /conf/a $FILE; echo bye > /dev/termination-log; exit 3"];
      const spec = {
        env: { FILE: "/conf/a" },
        volumeMounts: [{ volume: "cfg", mountPath: "/conf", readOnly: true }],
      };
      await sandbox.startContainer(containerSpec(stateDir, "vol", command, spec));
      const { exitCode, terminationMessage } = await exitOf("vol");
      assert.deepEqual({ exitCode, terminationMessage }, { exitCode: 3, terminationMessage: "bye\n" });
      assert.equal(printed("vol").trim(), "texttext");
      await sandbox.removePod("vol");
      assert.equal(existsSync(join(runtimeDirectory(stateDir), "m", "vol")), false);
    });

    test("a program that cannot be started says why; one that ignores SIGTERM is killed with what it started", async () => {
      await sandbox.startPod(podSpec("bad"));
      assert.deepEqual(await sandbox.startContainer(containerSpec(stateDir, "bad", ["nosuch"])), {
        startError: 'exec: "nosuch": executable file not found in $PATH',
      });
      await sandbox.removePod("bad");
      const marker = `marker-${process.pid}-stubborn`;
      await sandbox.startPod(podSpec("stubborn"));
      const script = `trap '' TERM; sh -c 'while :; do sleep 0.05; done # ${marker}' & echo up; while :; do sleep 0.05; done`;
      await sandbox.startContainer(containerSpec(stateDir, "stubborn", ["sh", "-c", script]));
      await eventually("it has set its trap", () => printed("stubborn").includes("up"));
      await sandbox.stopContainer("stubborn", "c", 200);
      assert.equal((await exitOf("stubborn")).exitCode, 137);
      await eventually("its child is gone", () => processesWith(marker).length === 0);
      await sandbox.removePod("stubborn");
    });

    test("an agent that is killed takes its pods along", async (t) => {
      const state = join(dir.path, "killed");
      const marker = `marker-${process.pid}-plain`;
      const own = await openPlainSandbox({ stateDir: state, clock: wallClock }, kind);
      t.after(() => own.shutdown());
      await own.startPod(podSpec("x"));
      await own.startContainer(
        containerSpec(state, "x", ["sh", "-c", `trap '' TERM HUP; while :; do sleep 0.1; done # ${marker}`]),
      );
      await eventually("the program runs", () => processesWith(marker).length > 0);
      const told = new Promise<void>((resolve) =>
        own.onChange((change) => change === undefined && resolve()),
      );
      // What the agent forks bears its name until it runs a program of its own.
      const agents = () => processesWith(`agent/main.ts\0${runtimeDirectory(state)}\0`);
      await eventually("the agent is seen", () => agents().length === 1);
      for (const pid of agents()) process.kill(pid, "SIGKILL");
      await eventually("nothing is left", () => processesWith(marker).length === 0);
      await told;
    });

    test("exec runs with the pod's environment", async () => {
      await sandbox.startPod(podSpec("ex"));
      await sandbox.startContainer(containerSpec(stateDir, "ex", ["sleep", "1000"], { env: { A: "b" } }));
      const request = {
        podUid: "ex",
        container: "c",
        stdin: false,
        tty: false,
        timeoutMs: 20_000,
        outputLimit: 99,
      };
      const ran = await sandbox.exec({ ...request, command: ["sh", "-c", "echo $A; exit 3"] });
      assert.deepEqual(ran, { exitCode: 3, output: "b\n", timedOut: false });
      await sandbox.removePod("ex");
    });

    test("a container whose processes together hold more than its memory limit is killed; one that stays below runs on", async () => {
      // Neither of the two processes is over the limit alone.
      const hold = (mib: number) =>
        `${process.execPath} -e 'const held = Buffer.alloc(${mib} << 20, 1); setInterval(() => held, 1000)'`;
      const memoryLimitBytes = 200 << 20;
      for (const [uid, script] of [
        ["over", `${hold(130)} & ${hold(130)}`],
        ["below", `${hold(30)} & ${hold(30)}`],
      ] as const) {
        await sandbox.startPod(podSpec(uid));
        assert.deepEqual(
          await sandbox.startContainer(
            containerSpec(stateDir, uid, ["sh", "-c", script], { memoryLimitBytes }),
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
  });
}
