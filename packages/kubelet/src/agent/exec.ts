import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "@tracegate/contracts";
import { boundingSet, carried, commandCheck } from "./container.ts";
import type { Attached } from "./container-streams.ts";
import { defaultPath } from "./default-path.ts";
import type { PipedPrograms } from "./piped-program.ts";
import type { InnerProcess } from "./pod-runtime.ts";
import type { Pods } from "./pods.ts";
import { childrenOf } from "./process-tree.ts";
import type {
  AttachRequest,
  ContainerProcessSpec,
  ExecRequest,
  ExecResult,
  TerminalSize,
} from "./protocol.ts";
import { channel, encodeFrame, frameDecoder } from "./stream-frames.ts";
import { hasStdin, inTerminal, resizeTerminal, terminalEnvironment } from "./terminal.ts";

/**
 * Says on file descriptor 3 what a container's own start says: `+`, or why the program cannot be started. What 4 leads to
 * gives it the container's limits.
 */
const innerScript = `
echo 0 >&4
exec 4>&-
dir=$1 path=$2 command=$3
shift 3
fail() { printf '%s' "$1" >&3; exit 126; }
cd "$dir" || fail "chdir to cwd (\\"$dir\\") failed: no such file or directory"
${commandCheck}
printf + >&3
exec "$@" 3>&-
`;

/**
 * Starts a further process in a running container: the same namespaces, directory, environment and limits as its
 * program.
 */
export function spawnInNamespaces(
  programs: PipedPrograms,
  {
    pid,
    spec,
    cgroupProcesses,
  }: { pid: number; spec: ContainerProcessSpec; cgroupProcesses: string | undefined },
  request: ExecRequest,
): InnerProcess {
  // Inside there is no path to it; `nsenter` itself must stay outside, to wait for its child until that has ended.
  const limits = openSync(cgroupProcesses ?? "/dev/null", "w");
  const { variables, become } = carried(request.tty ? { ...spec.env, ...terminalEnvironment } : spec.env);
  const command = request.tty ? inTerminal(request.command) : request.command;
  const program = programs.start(
    "nsenter",
    [
      // The container's user namespace, too: the first steps are programs that its root holds.
      ...["--target", String(pid), "--user", "--preserve-credentials"],
      ...["--mount", "--uts", "--ipc", "--net", "--pid"],
      ...["sh", "-c", innerScript, "sh", spec.workingDir, spec.env["PATH"] ?? "", request.command[0] ?? ""],
      ...["setpriv", "--no-new-privs", "--inh-caps=-all", `--bounding-set=${boundingSet(spec.capabilities)}`],
      ...["--", "sh", "-c", become, "sh", ...command],
    ],
    {
      ...{ hasStdin: hasStdin(request), further: ["pipe", limits] },
      ...{ env: { PATH: defaultPath, ...variables }, cwd: "/" },
    },
  );
  closeSync(limits);
  const { child } = program;
  const started = new Promise<void>((resolve, reject) => {
    let words = "";
    child.once("error", reject);
    child.stdio[3]?.on("data", (chunk: Buffer) => {
      words += chunk.toString();
      if (words === "+") resolve();
    });
    child.stdio[3]?.once("close", () => {
      reject(new Error(words || `container "${request.container}" is not running`));
    });
  });
  return { program, started, script: () => childrenOf(child.pid)[0], end: () => endTree(child) };
}

/** Runs a command to its end, as probes and hooks do; stdout and stderr together, cut at a limit. */
export async function execToEnd(
  pods: Pods,
  request: ExecRequest & { timeoutMs: number; outputLimit: number },
): Promise<ExecResult> {
  const inner = await pods.spawnInside({ ...request, stdin: false, tty: false });
  const { program, started, end } = inner;
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
    started.catch((error: unknown) => collect(Buffer.from(messageOf(error))));
    program.stdout.on("data", collect);
    program.stderr.on("data", collect);
    program.child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    void program.closed.then(({ code, signal }) => {
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
  { clock, onStarted }: { clock: Clock; onStarted: () => void },
): Promise<void> {
  const { program, started, script, end } = await pods.spawnInside(request);
  await started;
  onStarted();
  const { child, stdin, stdout, stderr, closed } = program;
  const send = (number: number, stream: Readable) => {
    stream.on("data", (chunk: Buffer) => {
      if (!socket.destroyed && !socket.write(encodeFrame(number, chunk))) {
        stream.pause();
        socket.once("drain", () => stream.resume());
      }
    });
  };
  send(channel.stdout, stdout);
  send(channel.stderr, stderr);
  readFrames(socket, {
    stdin,
    onStdinEnd: () => stdin?.end(),
    onResize: resizer(script, clock, socket),
  });
  socket.once("close", end);
  child.once("error", (error) => socket.destroy(error));
  void closed.then(({ code, signal }) => sendExit(socket, exitCodeOf(code, signal)));
}

/** Serves an attach connection: the container's own program, until it ends or the client goes. */
export async function serveAttach(
  pods: Pods,
  request: AttachRequest,
  socket: Socket,
  { clock, onStarted }: { clock: Clock; onStarted: () => void },
): Promise<void> {
  const { streams, script, exited } = await pods.attach(request);
  onStarted();
  const client: Attached = {
    write: (number, chunk) => socket.destroyed || socket.write(encodeFrame(number, chunk)),
  };
  socket.on("drain", () => streams.resumed(client));
  socket.once("close", () => {
    streams.detach(client);
    if (request.stdin) streams.endInput();
  });
  readFrames(socket, {
    stdin: request.stdin ? streams.stdin : null,
    onStdinEnd: () => streams.endInput(),
    onResize: resizer(script, clock, socket),
  });
  streams.attach(client);
  void exited.then((exitCode) => sendExit(socket, exitCode));
}

function readFrames(
  socket: Socket,
  to: { stdin: Writable | null; onStdinEnd: () => void; onResize: (size: TerminalSize) => void },
): void {
  const decode = frameDecoder((number, payload) => {
    if (number === channel.stdin) {
      if (to.stdin?.writable === true && !to.stdin.write(payload)) socket.pause();
    } else if (number === channel.stdinEnd) to.onStdinEnd();
    // The control plane's own message.
    else if (number === channel.resize) to.onResize(JSON.parse(payload.toString()) as TerminalSize);
  });
  const resume = () => void socket.resume();
  to.stdin?.on("drain", resume).on("close", resume);
  socket.once("close", () => to.stdin?.off("drain", resume).off("close", resume));
  socket.on("data", (chunk: Buffer) => {
    try {
      decode(chunk);
    } catch {
      socket.destroy();
    }
  });
}

/** The last size wins. */
function resizer(script: () => number | undefined, clock: Clock, socket: Socket) {
  let before = new AbortController();
  socket.once("close", () => before.abort());
  return (size: TerminalSize) => {
    before.abort();
    before = new AbortController();
    // A program that ends, or has no terminal, needs no size.
    resizeTerminal(script, size, { clock, signal: before.signal }).catch(() => {});
  };
}

function sendExit(socket: Socket, exitCode: number): void {
  socket.end(encodeFrame(channel.exit, Buffer.from(JSON.stringify({ exitCode }))));
}

const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  signal === null ? (code ?? 255) : 128 + constants.signals[signal];

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Ends what `nsenter` started: its child lies in another PID namespace and would outlive it. `nsenter` itself ends when
 * it has reaped its child; killed too early it would leave a zombie that keeps the container's namespace from ending.
 */
function endTree(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const inner = childrenOf(child.pid);
  try {
    for (const pid of inner.length > 0 ? inner : [child.pid]) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}
