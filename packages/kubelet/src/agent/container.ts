import { closeSync, openSync, readSync } from "node:fs";
import { defaultPath } from "./default-path.ts";
import type { LogWriter } from "./log-writer.ts";
import type { PodNamespaces } from "./node-network.ts";
import type { PipedProgram, PipedPrograms } from "./piped-program.ts";
import type { StartedContainer } from "./pod-runtime.ts";
import { childrenOf } from "./process-tree.ts";
import type { ContainerProcessSpec } from "./protocol.ts";
import { hasStdin, inTerminal, terminalEnvironment } from "./terminal.ts";

/** Shell: fails in a container runtime's words when `$command` is no program, or none on `$path`. */
export const commandCheck = `case $command in
  */*) [ -e "$command" ] || fail "exec: \\"$command\\": stat $command: no such file or directory"
       [ -x "$command" ] && [ ! -d "$command" ] || fail "exec: \\"$command\\": permission denied" ;;
  *) (PATH=$path; command -v -- "$command" >/dev/null) ||
       fail "exec: \\"$command\\": executable file not found in \\$PATH" ;;
esac`;

/**
 * Runs in the container's fresh mount and PID namespaces as its PID 1: mounts everything of the fstab in one process, then
 * becomes `enterScript` in a user namespace of the container's own, with a copy of the mounts that nobody in there can
 * undo. File descriptor 3 tells the agent: `+` when all is ready for the program, else the reason why it cannot be started.
 */
const startScript = `
fstab=$1 cgroup=$2 enter=$3
shift 3
fail() { printf '%s' "$1" >&3; exit 128; }
[ -z "$cgroup" ] || echo 0 > "$cgroup" || fail "failed to enter the container's cgroup"
out=$(mount --all --fstab "$fstab" 2>&1) || fail "failed to mount the container's root: $out"
exec unshare --user --map-root-user --mount --propagation private sh -c "$enter" sh "$@"
`;

/**
 * Makes the container's root the only thing there is, drops what the program must not have, and becomes the program. From
 * `pivot_root` on, these steps are programs and libraries that the container's root holds: a volume may have put others
 * in their place, which is why they have no capability outside of the container's user namespace. The program's environment
 * is set by `$become`, the last step, alone: nothing in it (`LD_PRELOAD`, `PATH`) reaches the steps before.
 */
const enterScript = `
root=$1 dir=$2 bound=$3 path=$4 command=$5 become=$6
shift 6
fail() { printf '%s' "$1" >&3; exit 128; }
# Nothing in a pod needs further namespaces, and they would hand it capabilities to try the kernel with.
for limit in /proc/sys/user/max_*_namespaces; do echo 0 > "$limit"; done
mount --rbind "$root" "$root" && cd "$root" && pivot_root . .old && umount -n -l /.old && cd "$dir" ||
  fail "failed to enter the container's root"
${commandCheck}
printf + >&3
exec setpriv --no-new-privs --inh-caps=-all --bounding-set="$bound" -- sh -c "$become" sh "$@" 3>&-
`;

// The parent of PID 1. It turns a death by signal n into exit code 128+n (`unshare --fork` loses SIGKILL), and keeps
// the shell's own remark about it ("Killed") out of the container's log.
const waitScript = 'exec 4>&2 2>/dev/null; "$@" 2>&4 4>&-; exit $?';

export function spawnContainer(options: {
  spec: ContainerProcessSpec;
  namespaces: PodNamespaces;
  root: string;
  fstab: string;
  cgroupProcesses: string | undefined;
  log: LogWriter;
  programs: PipedPrograms;
}): StartedContainer {
  const { spec, namespaces, root, fstab, cgroupProcesses = "", log, programs } = options;
  const { variables, become } = carried(spec.tty ? { ...spec.env, ...terminalEnvironment } : spec.env);
  const program = programs.start(
    "nsenter",
    [
      `--net=${namespaces.net}`,
      `--uts=${namespaces.uts}`,
      `--ipc=${namespaces.ipc}`,
      ...["unshare", "--mount", "--pid", "--propagation", "private", "sh", "-c", waitScript, "sh"],
      ...["sh", "-c", startScript, "sh", fstab, cgroupProcesses, enterScript],
      ...[root, spec.workingDir, boundingSet(spec.capabilities)],
      ...[spec.env["PATH"] ?? "", spec.command[0] ?? "", become],
      ...(spec.tty ? inTerminal(spec.command) : spec.command),
    ],
    { hasStdin: hasStdin(spec), further: ["pipe"], env: { PATH: defaultPath, ...variables }, cwd: "/" },
  );
  const { child, stdout, stderr } = program;
  stdout.on("data", (chunk: Buffer) => log.write("stdout", chunk));
  stderr.on("data", (chunk: Buffer) => log.write("stderr", chunk));
  const report = child.stdio[3];
  const started = new Promise<{ pid: number } | { startError: string }>((resolve) => {
    let words = "";
    child.once("error", (error) => resolve({ startError: error.message }));
    report?.on("data", (chunk: Buffer) => {
      words += chunk.toString();
      if (words === "+") resolve({ pid: initOf(child.pid) });
    });
    report?.once("close", () => {
      if (words !== "+") resolve({ startError: words || "the container's namespaces could not be made" });
    });
  });
  return { program, started };
}

export const boundingSet = (capabilities: readonly string[]): string =>
  ["-all", ...capabilities.map((name) => `+${name}`)].join(",");

/**
 * A program's environment on its way there: as variables of names that mean nothing to anybody, and the shell command
 * that sets it. Not as arguments, in which everyone on the machine could read Secrets for as long as the container runs.
 */
export function carried(env: Readonly<Record<string, string>>): {
  readonly variables: Readonly<Record<string, string>>;
  readonly become: string;
} {
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const variables = Object.fromEntries(assignments.map((text, index) => [`TRACEGATE_${index}`, text]));
  const names = Object.keys(variables).map((name) => `"$${name}"`);
  return { variables, become: `exec env -i -- ${names.join(" ")} "$@"` };
}

/** The one child of the shell that waits for the container: PID 1 of the container's namespace. 0 when gone. */
const initOf = (waiterPid: number | undefined): number => childrenOf(waiterPid)[0] ?? 0;

/** Kills a container's PID 1, and so all of its processes, whether its program has been started yet or not. */
export function killContainer({ child: waiter }: PipedProgram): void {
  const init = initOf(waiter.pid);
  try {
    if (init > 1) process.kill(init, "SIGKILL");
    else waiter.kill("SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}

/** What the container left in its termination message file. */
export function readTerminationMessage(file: string): string {
  const limit = 4096;
  try {
    const fd = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(limit);
      return buffer.toString("utf8", 0, readSync(fd, buffer, 0, limit, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return "";
  }
}
