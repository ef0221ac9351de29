import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A run of the real program: what it printed, and how it ended. */
export interface Run {
  readonly process: ChildProcess;
  /** Everything printed so far, both streams in the order they came. */
  output(): string;
  /** Resolves with the first match in the output; rejects with the output when the program ends without it. */
  seen(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `npm start -- …` (or another command line) as a user would, without a terminal. */
export function start(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = root,
): Run {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal })),
  );
  return {
    process: child,
    output: () => output,
    ended,
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(({ code }) => {
          look();
          reject(new Error(`ended with ${code} before ${pattern} was seen:\n${output}`));
        });
      }),
  };
}

/** With the flags that `scripts/node24.js` gives every Node of ours. */
const commandLine = (args: readonly string[]) => [
  ...["--disable-warning=ExperimentalWarning", "--max-semi-space-size=4"],
  join(root, "apps/cli/src/main.ts"),
  ...args,
];

/** `tracegate …` of this checkout, under the Node that runs the tests; `tracegate.in(directory, …)` runs it elsewhere. */
export const tracegate = Object.assign(
  (...args: string[]): Run => start(process.execPath, commandLine(args)),
  {
    in: (directory: string, ...args: string[]): Run =>
      start(process.execPath, commandLine(args), {}, directory),
  },
);

/** Runs a command to its end. */
export async function finish(run: Run): Promise<{ code: number | null; output: string }> {
  const { code } = await run.ended;
  return { code, output: run.output() };
}

/** A state directory of its own; removed at the end of the test. */
export function temporaryState(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "tracegate-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The file's text once it is there: controllers write a moment after what they react to is seen. */
export async function fileAt(path: string, patienceMs = 20_000): Promise<string> {
  for (let waitedMs = 0; !existsSync(path); waitedMs += 50) {
    if (waitedMs > patienceMs) throw new Error(`${path} does not appear`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return readFileSync(path, "utf8");
}
