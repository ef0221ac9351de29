import { existsSync, readlinkSync } from "node:fs";
import type { Clock } from "@tracegate/contracts";
import { runCommand } from "./command.ts";
import { defaultPath } from "./default-path.ts";
import { childrenOf } from "./process-tree.ts";
import type { TerminalSize } from "./protocol.ts";

/**
 * The command in a terminal of its own, made by util-linux' `script`, the one tool at hand that makes one. `script`
 * turns a terminal's echo off when its own input is none; a person at the other end wants to see what they type.
 */
export function inTerminal(command: readonly string[]): string[] {
  if (!isInstalled("script")) throw new Error("terminals need the program script of util-linux on the node");
  const shellLine = `stty echo; exec ${command.map(shellQuote).join(" ")}`;
  return ["script", "--quiet", "--return", "--command", shellLine, "/dev/null"];
}

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
    for (const inside of childrenOf(script())) {
      const device = linkAt(`/proc/${inside}/fd/0`);
      if (!device.startsWith("/dev/pts/")) continue;
      await runInMountsOf(inside, [
        ...["stty", "-F", device],
        ...["rows", String(height), "cols", String(width)],
      ]);
      return;
    }
    await clock.after(sizeRetryMs, signal);
  }
}

/** A container's devices are of its own: another one may go by the same name outside. */
async function runInMountsOf(pid: number, command: readonly string[]): Promise<void> {
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
