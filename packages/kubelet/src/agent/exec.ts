import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { assignments, boundingSet, childrenOf, defaultPath } from "./container.ts";
import type { Pods } from "./pods.ts";
import type { ContainerProcessSpec, ExecRequest, ExecResult } from "./protocol.ts";
import { channel, encodeFrame, frameDecoder } from "./stream-frames.ts";

/**
 * Starts a further process in a running container: the same namespaces, directory, environment and limits as its
 * program. A terminal comes from util-linux' `script`, the one tool at hand that makes one.
 */
export function spawnInNamespaces(
  { pid, spec }: { pid: number; spec: ContainerProcessSpec },
  request: ExecRequest,
): ChildProcess {
  const env = request.tty ? { ...spec.env, TERM: "xterm", SHELL: "/bin/sh" } : spec.env;
  const command = request.tty
    ? [
        "script",
        "--quiet",
        "--return",
        "--command",
        `exec ${request.command.map(shellQuote).join(" ")}`,
        "/dev/null",
      ]
    : request.command;
  return spawn(
    "nsenter",
    [
      ...["--target", String(pid), "--mount", "--uts", "--ipc", "--net", "--pid"],
      ...["sh", "-c", 'cd "$1" || exit 126; shift; exec "$@"', "sh", spec.workingDir],
      ...["setpriv", "--no-new-privs", "--inh-caps=-all", `--bounding-set=${boundingSet(spec.capabilities)}`],
      ...["--", "env", "-i", "--", ...assignments(env), ...command],
    ],
    { stdio: [request.stdin ? "pipe" : "ignore", "pipe", "pipe"], env: { PATH: defaultPath }, cwd: "/" },
  );
}

const shellQuote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Runs a command to its end, as probes and hooks do; stdout and stderr together, cut at a limit. */
export async function execToEnd(
  pods: Pods,
  request: ExecRequest & { timeoutMs: number; outputLimit: number },
): Promise<ExecResult> {
  const { process: child, end } = await pods.spawnInside({ ...request, stdin: false, tty: false });
  return await new Promise((resolve, reject) => {
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, request.timeoutMs);
    const collect = (chunk: Buffer) => {
      if (output.length < request.outputLimit) output += chunk.toString("utf8");
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ exitCode: exitCodeOf(code, signal), output: output.slice(0, request.outputLimit), timedOut });
    });
  });
}

/** Serves an exec connection: frames in and out until the process ends or the client goes. */
export async function serveExec(
  pods: Pods,
  request: ExecRequest,
  socket: Socket,
  onStarted: () => void,
): Promise<void> {
  const { process: child, end } = await pods.spawnInside(request);
  onStarted();
  const send = (number: number, stream: NodeJS.ReadableStream | null | undefined) => {
    stream?.on("data", (chunk: Buffer) => {
      if (!socket.destroyed && !socket.write(encodeFrame(number, chunk))) {
        stream.pause();
        socket.once("drain", () => stream.resume());
      }
    });
  };
  send(channel.stdout, child.stdout);
  send(channel.stderr, child.stderr);
  child.stdin?.on("error", () => {});
  const decode = frameDecoder((number, payload) => {
    if (number === channel.stdin) child.stdin?.write(payload);
    else if (number === channel.stdinEnd) child.stdin?.end();
  });
  socket.on("data", (chunk: Buffer) => {
    try {
      decode(chunk);
    } catch {
      socket.destroy();
    }
  });
  socket.once("close", end);
  child.once("error", (error) => socket.destroy(error));
  child.once("close", (code, signal) => {
    socket.end(
      encodeFrame(channel.exit, Buffer.from(JSON.stringify({ exitCode: exitCodeOf(code, signal) }))),
    );
  });
}

const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  signal === null ? (code ?? 255) : 128 + constants.signals[signal];

/**
 * Ends what `nsenter` started: its child lies in another PID namespace and would outlive it. `nsenter` itself ends when
 * it has reaped its child; killed too early it would leave a zombie that keeps the container's namespace from ending.
 */
export function endTree(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const inner = childrenOf(child.pid);
  try {
    for (const pid of inner.length > 0 ? inner : [child.pid]) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}
