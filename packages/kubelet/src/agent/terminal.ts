import { existsSync, readlinkSync } from "node:fs";
import type { Clock } from "@tracegate/contracts";
import { runCommand } from "./command.ts";
import { defaultPath } from "./default-path.ts";
import { childrenOf } from "./process-tree.ts";
import type { TerminalSize } from "./protocol.ts";

/** The command in a terminal of its own, made by `script`, the one tool at hand that makes one. */
export function inTerminal(command: readonly string[], system = process.platform): string[] {
  if (!isInstalled("script")) throw new Error("terminals need the program script of util-linux on the node");
  return system === "linux" ? byUtilLinux(command) : byBsd(command);
}

/**
 * This one turns a terminal's echo off when its own input is none; a person at the other end wants to see what they type.
 */
function byUtilLinux(command: readonly string[]): string[] {
  const shellLine = `stty echo; exec ${command.map(shellQuote).join(" ")}`;
  return ["script", "--quiet", "--return", "--command", shellLine, "/dev/null"];
}

/** This one takes no socket as its input, which is what Node gives: `cat` brings it by a pipe. */
const byBsd = (command: readonly string[]): string[] => ["/bin/sh", "-c", bsdScript, "sh", ...command];

// Whoever opens one end of a pipe that has a name waits for the other: 4 is both. `cat` is nobody's child, as `script` may
// wait for all of its own.
const bsdScript = `
directory=$(mktemp -d) && mkfifo -m 600 "$directory/input" || exit 126
exec 3<&0 4<>"$directory/input" 5<"$directory/input" 6>"$directory/input"
rm -r "$directory"
(cat <&3 >&6 2>/dev/null 4<&- 5<&- &)
exec script -q /dev/null "$@" <&5 3<&- 4<&- 5<&- 6>&-`;

/** A terminal's input stays open: its end would be the end of the session. */
export const hasStdin = ({ stdin, tty }: { readonly stdin: boolean; readonly tty: boolean }): boolean =>
  stdin || tty;

const isInstalled = (program: string): boolean =>
  defaultPath.split(":").some((directory) => existsSync(`${directory}/${program}`));

/** `script` runs its command by `$SHELL`. */
export const terminalEnvironment = { TERM: "xterm", SHELL: "/bin/sh" } as const;

const shellQuote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The size often comes before `script` has made its terminal. */
const sizeAttempts = 40;
const sizeRetryMs = 50;

/** Tells the terminal that a `script` has made its size; the kernel tells the program in it. */
export async function resizeTerminal(
  script: () => number | undefined,
  { width, height }: TerminalSize,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  for (let attempt = 0; attempt < sizeAttempts; attempt += 1) {
    const terminal = await terminalOf(script());
    if (terminal !== undefined) {
      const setSize = 'exec stty rows "$1" cols "$2" < "$3"';
      await runInMountsOf(terminal.inside, [
        ...["sh", "-c", setSize, "sh", String(height), String(width), terminal.device],
      ]);
      return;
    }
    await clock.after(sizeRetryMs, signal);
  }
}

interface Terminal {
  readonly device: string;
  /** A process that sees it by that name. */
  readonly inside: number;
}

/** The terminal that a `script` has made, by the process that it has started in it. */
async function terminalOf(
  script: number | undefined,
  system = process.platform,
): Promise<Terminal | undefined> {
  if (script === undefined) return undefined;
  if (system !== "linux") return terminalInPs(await runCommand("ps", ["-axo", "pid=,ppid=,tty="]), script);
  for (const inside of childrenOf(script)) {
    const device = linkAt(`/proc/${inside}/fd/0`);
    if (device.startsWith("/dev/pts/")) return { device, inside };
  }
  return undefined;
}

/** The same from lines of `PID PARENT TERMINAL`; the terminal of processes without one has no letters. */
export function terminalInPs(lines: string, script: number): Terminal | undefined {
  for (const line of lines.split("\n")) {
    const [pid, parent, terminal = ""] = line.trim().split(/\s+/);
    if (Number(parent) === script && /[a-z]/.test(terminal))
      return { device: `/dev/${terminal}`, inside: Number(pid) };
  }
  return undefined;
}

/** A container's devices are of its own: another one may go by the same name outside. */
async function runInMountsOf(pid: number, command: readonly string[]): Promise<void> {
  // Without namespaces there are no such links.
  const isOutside = linkAt("/proc/self/ns/mnt") === linkAt(`/proc/${pid}/ns/mnt`);
  const [program = "", ...args] = isOutside
    ? command
    : ["nsenter", "--target", String(pid), "--mount", ...command];
  await runCommand(program, args);
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
