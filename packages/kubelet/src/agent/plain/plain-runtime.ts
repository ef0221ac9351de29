import type { ChildProcess } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { podAddress, podAddressCount } from "../../network/addresses.ts";
import { defaultPath } from "../default-path.ts";
import { processGroupIn } from "../memory-watch.ts";
import type { PipedPrograms } from "../piped-program.ts";
import type { PodRuntime, RuntimePod } from "../pod-runtime.ts";
import type { ContainerProcessSpec } from "../protocol.ts";
import { dialInside } from "../reach.ts";
import { hasStdin, inTerminal, terminalEnvironment } from "../terminal.ts";
import { mapPaths, type PathMap, pathMap } from "./path-map.ts";
import type { PlainNetwork } from "./plain-network.ts";

/**
 * Becomes the program, in a process group of its own. The watcher in the group reads from a pipe that the agent holds:
 * when the agent is gone, however it ended, so is the group. It is nobody's child: a program may wait for all of its own.
 */
const startScript = `
[ -z "$1" ] || echo 0 > "$1" || exit 128
shift
( (read -r _ <&3; kill -KILL 0) & )
exec 3<&-
exec "$@"`;

const podNetwork = fileURLToPath(new URL("./pod-network.cjs", import.meta.url));

/** Pods as plain child processes, each with its place on the loopback; nothing isolates them. */
export function plainRuntime(
  network: PlainNetwork,
  firstAddress: number,
  programs: PipedPrograms,
): PodRuntime {
  const { places } = network;
  const proxies = new Map<string, string>();
  const environmentOf = (spec: ContainerProcessSpec, pod: RuntimePod, paths: PathMap) => {
    const address = places.bindAddress(pod.ip);
    const mapped = Object.entries(spec.env).map(([name, value]) => [
      name,
      // A program that asks for its pod's address wants to listen there.
      value === pod.ip ? address : mapPaths(value, paths),
    ]);
    const proxy = proxies.get(pod.spec.uid) ?? "";
    return {
      ...Object.fromEntries(mapped),
      PATH: [...ownDirectories(spec), process.env["PATH"] ?? "", defaultPath].join(":"),
      HOME: pod.directory,
      TMPDIR: pod.directory,
      POD_IP: address,
      ...places.environment(pod.ip, {
        ofPod: Object.values(pod.spec.ports).flat(),
        ofContainer: pod.spec.ports[spec.name] ?? [],
        given: spec.env["PORT"],
      }),
      TRACEGATE_POD_IP: pod.ip,
      TRACEGATE_BIND_ADDRESS: address,
      TRACEGATE_NETWORK: network.file,
      TRACEGATE_NAMESPACE: pod.spec.namespace,
      http_proxy: proxy,
      grpc_proxy: proxy,
      NODE_OPTIONS: `--require ${JSON.stringify(podNetwork)} ${spec.env["NODE_OPTIONS"] ?? ""}`.trim(),
    };
  };
  return {
    podAddress: (index) => podAddress((firstAddress % podAddressCount) + index),
    podAddressCount,
    async makePod(pod) {
      const { spec, ip, directory, volumes } = pod;
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      for (const path of volumes.values()) mkdirSync(path, { recursive: true });
      await places.add(ip, Object.values(spec.ports).flat());
      proxies.set(spec.uid, network.proxyFor({ uid: spec.uid, ip, namespace: spec.namespace }));
    },
    async removePod({ spec, ip, directory }) {
      places.remove(ip);
      network.forget(spec.uid);
      proxies.delete(spec.uid);
      rmSync(directory, { recursive: true, force: true });
    },
    forward: ({ ip }, port) => dialInside(network.reach, ip, port),
    startContainer({ pod, spec, terminationFile, cgroupProcesses = "", log }) {
      const paths = pathsOf(spec, pod, terminationFile);
      writeFileSync(terminationFile, "");
      const command = spec.command.map((word) => mapPaths(word, paths));
      const cwd = workingDirectory(spec, pod, paths);
      const env = environmentOf(spec, pod, paths);
      requireProgram(command[0] ?? "", cwd, env.PATH);
      const writer = log();
      const words = spec.tty ? inTerminal(command) : command;
      const program = programs.start("/bin/sh", ["-c", startScript, "sh", cgroupProcesses, ...words], {
        ...{ cwd, env: spec.tty ? { ...env, ...terminalEnvironment } : env, detached: true },
        ...{ hasStdin: hasStdin(spec), further: ["pipe"] },
      });
      const { child, stdout, stderr } = program;
      stdout.on("data", (chunk: Buffer) => writer.write("stdout", chunk));
      stderr.on("data", (chunk: Buffer) => writer.write("stderr", chunk));
      // The program is gone: what it started goes, too, and with it the pipes that its end waits for.
      child.once("exit", () => killGroup(child));
      const started = new Promise<{ pid: number } | { startError: string }>((done) => {
        child.once("error", (error) => done({ startError: error.message }));
        child.once("spawn", () => done({ pid: child.pid ?? 0 }));
      });
      return { program, started };
    },
    kill: ({ child }) => killGroup(child),
    processSetOf(pid) {
      // Elsewhere only containers' own processes are asked for, and each leads its group.
      if (process.platform !== "linux") return String(pid);
      try {
        return processGroupIn(readFileSync(`/proc/${pid}/stat`, "utf8"));
      } catch {
        return undefined;
      }
    },
    spawnInside({ spec, pod, cgroupProcesses }, request) {
      const paths = pathsOf(spec, pod, join(pod.directory, "termination-log"));
      const command = request.command.map((word) => mapPaths(word, paths));
      const cwd = workingDirectory(spec, pod, paths);
      const env = environmentOf(spec, pod, paths);
      requireProgram(command[0] ?? "", cwd, env.PATH);
      const inner = request.tty ? inTerminal(command) : command;
      const [first = "", ...args] =
        cgroupProcesses === undefined
          ? inner
          : ["/bin/sh", "-c", 'echo 0 > "$1"; shift; exec "$@"', "sh", cgroupProcesses, ...inner];
      const program = programs.start(first, args, {
        ...{ cwd, env: request.tty ? { ...env, ...terminalEnvironment } : env, detached: true },
        hasStdin: hasStdin(request),
      });
      const { child } = program;
      const started = new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve).once("error", reject);
      });
      return { program, started, script: () => child.pid, end: () => killGroup(child) };
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

function pathsOf(spec: ContainerProcessSpec, { volumes }: RuntimePod, terminationFile: string): PathMap {
  return pathMap([
    ...spec.binds.map(({ source, target }) => ({ inside: target, outside: source })),
    ...spec.volumeMounts.map(({ volume, subPath, mountPath }) => {
      const base = volumes.get(volume);
      if (base === undefined) throw new Error(`volume "${volume}" is not part of the pod`);
      const inside = mountPath.replace(/(?<=.)\/+$/, "");
      return { inside, outside: subPath === undefined ? base : join(base, join("/", subPath)) };
    }),
    { inside: spec.terminationMessagePath, outside: terminationFile },
  ]);
}

/** What the image brings itself for its PATH; what a manifest says of it is about a root that is not there. */
function ownDirectories({ env, binds }: ContainerProcessSpec): string[] {
  const paths = pathMap(binds.map(({ source, target }) => ({ inside: target, outside: source })));
  return (env["PATH"] ?? "")
    .split(":")
    .filter((directory) => mapPaths(directory, paths) !== directory)
    .map((directory) => mapPaths(directory, paths));
}

/** Where the container would be: a directory of the image or of a volume, else the pod's own. */
function workingDirectory(spec: ContainerProcessSpec, pod: RuntimePod, paths: PathMap): string {
  const mapped = mapPaths(spec.workingDir, paths);
  return mapped === spec.workingDir ? pod.directory : mapped;
}

/** In a container runtime's words, as they come from the namespaced sandbox. */
function requireProgram(program: string, cwd: string, path: string): void {
  const candidates = program.includes("/")
    ? [resolve(cwd, program)]
    : path
        .split(":")
        .filter(isAbsolute)
        .map((directory) => join(directory, program));
  if (candidates.some(isProgram)) return;
  const exists = candidates.some((file) => statSync(file, { throwIfNoEntry: false }) !== undefined);
  if (!program.includes("/")) throw new Error(`exec: "${program}": executable file not found in $PATH`);
  throw new Error(
    exists
      ? `exec: "${program}": permission denied`
      : `exec: "${program}": stat ${program}: no such file or directory`,
  );
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
