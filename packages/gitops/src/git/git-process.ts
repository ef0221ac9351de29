import { spawn } from "node:child_process";
import { SourceError, withoutCredentials } from "./repositories.ts";

export interface GitProcessOptions {
  /** Milliseconds after which the command is ended. */
  readonly timeoutMs: number;
  /** Most bytes of standard output. */
  readonly maxOutput: number;
  /** Protocols Git may use, as `GIT_ALLOW_PROTOCOL` takes them. */
  readonly protocols: readonly string[];
}

/**
 * Options of every call: no hook, no file-system monitor, no helper of the `ext` transport, no submodules, no garbage
 * collection in the background. The user's own configuration otherwise applies (proxies, credential helpers).
 */
const hardening = [
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "protocol.ext.allow=never",
  "-c",
  "fetch.recurseSubmodules=false",
  "-c",
  "gc.auto=0",
  "-c",
  "advice.detachedHead=false",
];

/** Runs Git without a terminal and resolves to its standard output; rejects with Git's last words. */
export function runGit(
  args: readonly string[],
  options: GitProcessOptions & { gitDir?: string; input?: string },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...inherited } = process.env;
    const child = spawn("git", [...hardening, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...inherited,
        ...(options.gitDir === undefined ? {} : { GIT_DIR: options.gitDir }),
        GIT_ALLOW_PROTOCOL: options.protocols.join(":"),
        GIT_TERMINAL_PROMPT: "0",
        GIT_ASKPASS: "true",
        SSH_ASKPASS: "true",
        GIT_SSH_COMMAND: inherited.GIT_SSH_COMMAND ?? "ssh -oBatchMode=yes",
        GIT_LFS_SKIP_SMUDGE: "1",
        LC_ALL: "C",
      },
    });
    const output: Buffer[] = [];
    let size = 0;
    let errors = "";
    let failure: SourceError | undefined;
    const stop = (error: SourceError) => {
      failure ??= error;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(
      () => stop(new SourceError("context deadline exceeded", "DeadlineExceeded")),
      options.timeoutMs,
    );
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > options.maxOutput)
        stop(new SourceError("repository answer is larger than the limit", "ResourceExhausted"));
      else output.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (errors.length < 16_384) errors += chunk.toString();
    });
    child.stdin.on("error", () => {}); // Git ended before it read everything; its exit code tells.
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new SourceError(`git could not be started: ${error.message}`, "Unavailable"));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (failure !== undefined) reject(failure);
      else if (code !== 0) reject(new SourceError(lastWords(errors)));
      else resolve(Buffer.concat(output));
    });
    child.stdin.end(options.input ?? "");
  });
}

/** Git's reason in the words of Argo CD's own client where it has some. */
function lastWords(errors: string): string {
  if (
    /does not appear to be a git repository|repository .* (does not exist|not found)|not found$/im.test(
      errors,
    )
  ) {
    return "repository not found";
  }
  if (/could not read (Username|Password)|Authentication failed|Permission denied/i.test(errors)) {
    return "authentication required";
  }
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  const fatal = lines.find((line) => line.startsWith("fatal:")) ?? lines.at(-1) ?? "git failed";
  return withoutCredentials(fatal.replace(/^fatal: /, ""));
}
