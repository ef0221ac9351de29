import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Run, start } from "./tracegate.ts";

/** The real kubectl against the platform on a state directory; throws with what it printed when it fails. */
export function kubectl(state: string, ...args: string[]): string {
  return kubectlOf("kubectl", state).run(...args);
}

/** `-o json`, parsed; the caller names what it asked for. */
export function kubectlJson<T>(state: string, ...args: string[]): T {
  return JSON.parse(
    execFileSync("kubectl", ["--kubeconfig", join(state, "kubeconfig"), ...args, "-o", "json"], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    }),
  ) as T;
}

/** How one command ended. */
export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One kubectl against one platform. */
export interface Kubectl {
  /** What it prints; throws where it fails. */
  run(...args: string[]): string;
  /** How it ends, well or not; `input` is given to it. */
  try(args: readonly string[], options?: { input?: string; env?: Record<string, string> }): Answer;
  /** A command that goes on, such as a watch; `seen` waits for what it prints. */
  following(...args: string[]): Run;
  /** The same in a terminal of 33 lines and 111 columns; `typed` is what somebody types. */
  inTerminal(args: readonly string[], typed?: string): Answer;
}

export function kubectlOf(program: string, state: string, namespace = "default"): Kubectl {
  const config = ["--kubeconfig", join(state, "kubeconfig"), "--namespace", namespace];
  const attempt: Kubectl["try"] = (args, { input = "", env = {} } = {}) => {
    const { status, stdout, stderr } = spawnSync(program, [...config, ...args], {
      ...{ encoding: "utf8", input, env: { ...process.env, ...env } },
      ...{ maxBuffer: 64 * 1024 * 1024, timeout: 60_000 },
    });
    return { code: status, out: stdout, err: stderr };
  };
  return {
    run(...args) {
      const { code, out, err } = attempt(args);
      if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}:\n${out}${err}`);
      return out;
    },
    try: attempt,
    following: (...args) => start(program, [...config, ...args]),
    inTerminal(args, typed = "") {
      const words = [program, ...config, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
      const { status, stdout, stderr } = spawnSync(
        "script",
        ["-qec", `stty rows 33 cols 111; ${words.join(" ")}`, "/dev/null"],
        { encoding: "utf8", input: typed, timeout: 60_000 },
      );
      return { code: status, out: stdout, err: stderr };
    },
  };
}

/**
 * The kubectls to tell stories with: the one on the PATH and, where the environment's PEERS names a directory, each
 * `kubectl-MAJOR.MINOR` in it (`bench/peers/build` makes them).
 */
export function kubectls(): { name: string; program: string }[] {
  const directory = process.env["PEERS"];
  const others = directory === undefined || !existsSync(directory) ? [] : readdirSync(directory);
  return [
    { name: "kubectl", program: "kubectl" },
    ...others
      .filter((name) => /^kubectl-\d+\.\d+$/.test(name))
      .sort()
      .map((name) => ({ name, program: join(directory ?? "", name) })),
  ];
}
