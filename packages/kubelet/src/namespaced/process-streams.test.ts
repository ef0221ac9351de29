import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { wallClock } from "@tracegate/contracts";
import {
  containerSpec,
  eventually,
  podSpec,
  skipWithoutNamespaces,
  temporaryDirectory,
} from "../../testing/index.ts";
import type { ContainerProcessSpec, ExecStream } from "../sandbox.ts";
import { type NamespacedSandbox, openNamespacedSandbox, openPlainSandbox } from "./namespaced-sandbox.ts";

const sandboxes = [
  { kind: "namespaced", open: openNamespacedSandbox, skip: skipWithoutNamespaces() },
  { kind: "plain", open: openPlainSandbox, skip: false },
] as const;

for (const { kind, open, skip } of sandboxes) {
  describe(`streams of processes in the ${kind} sandbox`, { skip }, () => {
    const dir = temporaryDirectory();
    const stateDir = join(dir.path, "state");
    let sandbox: NamespacedSandbox;
    before(async () => {
      sandbox = await open({ stateDir, clock: wallClock });
    });
    after(async () => {
      await sandbox.shutdown();
      dir[Symbol.dispose]();
    });

    const run = async (uid: string, script: string, overrides: Partial<ContainerProcessSpec> = {}) => {
      await sandbox.startPod(podSpec(uid));
      const spec = containerSpec(stateDir, uid, ["sh", "-c", script], overrides);
      assert.deepEqual(await sandbox.startContainer(spec), {});
      return { podUid: uid, container: "c" };
    };
    const ended = (uid: string) =>
      eventually(`${uid} has ended`, async () => {
        const pod = (await sandbox.list()).find((candidate) => candidate.uid === uid);
        return pod?.containers[0]?.state === "exited";
      });
    const shell = (target: { podUid: string; container: string }, script: string, tty = false) =>
      sandbox.execStream({ ...target, command: ["sh", "-c", script], stdin: true, tty });

    test("a command that is no program is refused in a container runtime's words", async () => {
      const target = await run("no-program", "sleep 1000");
      const exec = (program: string) =>
        sandbox.execStream({ ...target, command: [program], stdin: false, tty: false });
      await assert.rejects(exec("nosuch"), { message: 'exec: "nosuch": executable file not found in $PATH' });
      await assert.rejects(exec("/no/such"), {
        message: 'exec: "/no/such": stat /no/such: no such file or directory',
      });
      await assert.rejects(exec("/etc"), { message: 'exec: "/etc": permission denied' });
      await sandbox.removePod("no-program");
    });

    test("a program's streams can be opened by their paths, in a container and by exec", async () => {
      const script = `
        echo to stdout > /dev/stdout
        echo to stderr > /dev/stderr
        echo to both | tee /dev/stderr
        for n in 1 2 3; do echo "$n" >> /dev/fd/1; done
        (sleep 0.2; echo late > /dev/stdout) & wait`;
      const said = { stdout: "to stdout\nto both\n1\n2\n3\nlate\n", stderr: "to stderr\nto both\n" };
      const target = await run("paths", `${script}; exec sleep 1000`);
      const exec = shell(target, `${script}; cat > /dev/stdout; exit 3`);
      const { stdin, stdout, stderr, exitCode } = await exec;
      stdin.end("typed\n");
      const [out, err] = await Promise.all([textOf(stdout), textOf(stderr)]);
      assert.deepEqual({ out, err }, { out: `${said.stdout}typed\n`, err: said.stderr });
      assert.equal(await exitCode, 3);
      const log = () => readFileSync(join(stateDir, "pods", "paths", "c", "0.log"), "utf8");
      await eventually("all is in the log", () => log().includes("late"));
      for (const stream of ["stdout", "stderr"] as const) {
        const lines = log().matchAll(new RegExp(`^\\S+ ${stream} F (.*\n)`, "gm"));
        assert.equal([...lines].map(([, line]) => line).join(""), said[stream]);
      }
      await sandbox.removePod("paths");
    });

    test("a terminal has the size it is told, echoes, and has no other stream", async () => {
      const target = await run("terminal", "sleep 1000");
      const script = "while :; do stty size < /dev/tty; sleep 0.05; done & read word; kill $!; exit 3";
      const stream = await shell(target, script, true);
      const output = collect(stream);
      stream.resize({ width: 101, height: 31 });
      await eventually("the program was told its size", () => output().includes("31 101"));
      stream.resize({ width: 99, height: 29 });
      await eventually("the program was told its new size", () => output().includes("29 99"));
      stream.stdin.write("typed\n");
      assert.equal(await stream.exitCode, 3);
      assert.match(output(), /typed\r\n/);
      await sandbox.removePod("terminal");
    });

    test("what a command reads no faster is not lost", async () => {
      const target = await run("reader", "sleep 1000");
      const stream = await shell(target, "sleep 0.3; wc -c");
      const output = collect(stream);
      stream.stdin.end(Buffer.alloc(5_000_000));
      assert.equal(await stream.exitCode, 0);
      assert.equal(output().trim(), "5000000");
      await sandbox.removePod("reader");
    });

    test("who attaches first sees what was said before, gives the input, and sees the end", async () => {
      const target = await run("asks", "echo name?; read name; echo hello $name >&2; cat; exit 3", {
        stdin: true,
        stdinOnce: true,
      });
      const stream = await sandbox.attachStream({ ...target, stdin: true });
      const output = collect(stream);
      await eventually("it asks", () => output() === "name?\n");
      stream.stdin.write("world\n");
      await eventually("it answers", () => output().endsWith("hello world\n"));
      stream.stdin.end("rest");
      assert.equal(await stream.exitCode, 3);
      assert.equal(output(), "name?\nhello world\nrest");
      await assert.rejects(sandbox.attachStream({ ...target, stdin: true }), /not running/);
      await sandbox.removePod("asks");
    });

    test("a program that ended before anybody attached is still heard once", async () => {
      const target = await run("short", "echo done; exit 7");
      await ended("short");
      const stream = await sandbox.attachStream({ ...target, stdin: false });
      const output = collect(stream);
      assert.equal(await stream.exitCode, 7);
      assert.equal(output(), "done\n");
      await assert.rejects(sandbox.attachStream({ ...target, stdin: false }), /not running/);
      await sandbox.removePod("short");
    });

    test("who leaves neither ends the program nor, without stdinOnce, its input", async () => {
      const target = await run("stays", "while read line; do echo got $line; done", { stdin: true });
      const first = await sandbox.attachStream({ ...target, stdin: true });
      const heard = collect(first);
      first.stdin.write("one\n");
      await eventually("the first is answered", () => heard() === "got one\n");
      first.kill();
      const second = await sandbox.attachStream({ ...target, stdin: true });
      const output = collect(second);
      second.stdin.write("two\n");
      await eventually("the second is answered", () => output() === "got two\n");
      await sandbox.removePod("stays");
    });

    test("forwarding reaches what a program serves, half-closed and at once, and says what is refused", async () => {
      const program = `require("node:net").createServer({ allowHalfOpen: true }, (c) => c.pipe(c)).listen(8080)`;
      const target = await run("echoes", `exec /node -e '${program}'`, {
        binds: [{ source: process.execPath, target: "/node" }],
      });
      await eventually("it listens", () => forwarded(sandbox, target.podUid, 8080, "x").catch(() => false));
      const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(50_000));
      const answers = await Promise.all(texts.map((text) => forwarded(sandbox, target.podUid, 8080, text)));
      assert.deepEqual(answers, texts);
      await assert.rejects(
        sandbox.forward(target.podUid, 81),
        /^Error: dial tcp 10\.244\.\S+:81: connect: connection refused$/,
      );
      await sandbox.removePod("echoes");
      await assert.rejects(sandbox.forward(target.podUid, 8080), /has no sandbox/);
    });

    test("a program may have a terminal of its own", async () => {
      const target = await run("own-terminal", "test -t 0 && read word && stty size && exit 4", {
        stdin: true,
        stdinOnce: true,
        tty: true,
      });
      const stream = await sandbox.attachStream({ ...target, stdin: true });
      const output = collect(stream);
      stream.resize({ width: 80, height: 24 });
      stream.stdin.write("typed\n");
      assert.equal(await stream.exitCode, 4);
      assert.match(output(), /typed\r\n/);
      await sandbox.removePod("own-terminal");
    });
  });
}

async function forwarded(sandbox: NamespacedSandbox, podUid: string, port: number, text: string) {
  const connection = await sandbox.forward(podUid, port);
  connection.end(text);
  let answer = "";
  for await (const chunk of connection.setEncoding("utf8")) answer += chunk;
  return answer;
}

test("what a program serves on its pod's own loopback is reached by forwarding only", {
  skip: skipWithoutNamespaces(),
}, async (t) => {
  const dir = temporaryDirectory();
  const sandbox = await openNamespacedSandbox({ stateDir: join(dir.path, "state"), clock: wallClock });
  t.after(async () => {
    await sandbox.shutdown();
    dir[Symbol.dispose]();
  });
  const { ip } = await sandbox.startPod(podSpec("own"));
  const program = `require("node:net").createServer((c) => c.end("mine")).listen(8080, "127.0.0.1")`;
  const spec = containerSpec(join(dir.path, "state"), "own", ["/node", "-e", program], {
    binds: [{ source: process.execPath, target: "/node" }],
  });
  await sandbox.startContainer(spec);
  await eventually("it listens", () => forwarded(sandbox, "own", 8080, "").catch(() => false));
  await assert.rejects(sandbox.dial(ip, 8080), /connection refused/);
  assert.equal(await forwarded(sandbox, "own", 8080, "x"), "mine");
});

/** Everything printed so far, both streams in the order they came. */
function collect({ stdout, stderr }: ExecStream): () => string {
  let output = "";
  for (const stream of [stdout, stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return () => output;
}
