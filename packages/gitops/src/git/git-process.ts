import { spawn } from "node:child_process";
import type { Remote } from "./remote.ts";
import { SourceError, withoutCredentials } from "./repositories.ts";

export interface GitProcessOptions {
  /** Milliseconds after which the command is ended. */
  readonly timeoutMs: number;
  /** Most bytes of standard output. */
  readonly maxOutput: number;
  /** Most bytes of one file that Git may write: what it fetches comes as one pack. */
  readonly maxFile: number;
  /** Most bytes of memory where Git speaks to a server, some of whose answers it holds as a whole. */
  readonly maxMemory: number;
  /** Protocols Git may use, as `GIT_ALLOW_PROTOCOL` takes them. */
  readonly protocols: readonly string[];
  /** Ends what runs. */
  readonly signal?: AbortSignal | undefined;
}

export interface GitCall {
  readonly gitDir?: string;
  readonly input?: string;
  /** Whom it speaks to. */
  readonly remote?: Remote;
  /** Takes the standard output as it comes; then none of it is kept. */
  readonly onOutput?: (chunk: Buffer) => void;
}

/**
 * Options of every call: no hook, no file-system monitor, no helper of the `ext` transport, no submodules, no garbage
 * collection in the background; what is fetched stays one pack. The user's own configuration otherwise applies (proxies,
 * credential helpers).
 */
const hardening = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "protocol.ext.allow=never",
  "fetch.recurseSubmodules=false",
  "fetch.unpackLimit=1",
  "gc.auto=0",
  "maintenance.auto=false",
  "advice.detachedHead=false",
].flatMap((setting) => ["-c", setting]);

/** Variables that would lead Git to another repository than the one it is told: set where a Git hook started us. */
const repositoryVariables = [
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_DIR",
  "GIT_INDEX_FILE",
  "GIT_NAMESPACE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
];

/**
 * The limits, in units of 512 bytes and of 1024, are also those of Git's helpers, which read and write what is fetched. Without
 * the signal, they say what failed.
 */
const limitedScript =
  'trap \'\' XFSZ; ulimit -f "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; shift 2; exec git "$@"';
const notFound = 127;

/** Runs Git without a terminal and resolves to its standard output; rejects with Git's last words. */
export function runGit(args: readonly string[], options: GitProcessOptions & GitCall): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // A group of its own: Git's helpers end with it.
    const blocks = String(Math.ceil(options.maxFile / 512));
    const command = [...hardening, ...(options.remote?.options ?? []), ...args];
    const child = spawn("sh", ["-c", limitedScript, "git", blocks, memoryOf(options), ...command], {
      stdio: ["pipe", "pipe", "pipe"],
      env: environment(options),
      detached: true,
    });
    const output: Buffer[] = [];
    let size = 0;
    let errors = "";
    const timer = setTimeout(
      () => end(new SourceError("context deadline exceeded", "DeadlineExceeded")),
      options.timeoutMs,
    );
    let failure: SourceError | undefined;
    const end = (error: SourceError) => {
      failure ??= error;
      if (child.pid !== undefined) killGroup(child.pid);
      if (child.exitCode !== null) leave();
    };
    const leave = () => failure !== undefined && settle(() => reject(failure));
    const settle = (how: () => void) => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      how();
    };
    const abort = () => end(new SourceError("context canceled", "Canceled"));
    options.signal?.addEventListener("abort", abort);
    if (options.signal?.aborted === true) abort();
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > options.maxOutput)
        end(new SourceError("repository answer is larger than the limit", "ResourceExhausted"));
      else if (options.onOutput === undefined) output.push(chunk);
      else options.onOutput(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (errors.length < 16_384) errors += chunk.toString();
    });
    child.stdin.on("error", () => {}); // Git ended before it read everything; its exit code tells.
    const notStarted = (why: string) => new SourceError(`git could not be started: ${why}`, "Unavailable");
    child.on("error", (error) => settle(() => reject(notStarted(error.message))));
    // When it is ended, its output may be held open by a helper that left the group, as ssh's master does.
    child.on("exit", leave);
    child.on("close", (code) =>
      settle(() => {
        if (code === 0) resolve(Buffer.concat(output));
        else reject(code === notFound ? notStarted("it is not on the PATH") : lastWords(errors));
      }),
    );
    child.stdin.end(options.input ?? "");
  });
}

/** A repository of this machine is no stranger, and may be as large as it likes. */
const memoryOf = ({ remote, maxMemory }: GitProcessOptions & GitCall): string =>
  remote === undefined || /^(?:file:|\/)/i.test(remote.url)
    ? "unlimited"
    : String(Math.ceil(maxMemory / 1024));

function environment({ protocols, gitDir, remote, timeoutMs }: GitProcessOptions & GitCall) {
  const own = Object.entries(process.env).filter(([name]) => !repositoryVariables.includes(name));
  return {
    ...Object.fromEntries(own),
    ...remote?.environment,
    ...(gitDir === undefined ? {} : { GIT_DIR: gitDir }),
    GIT_ALLOW_PROTOCOL: protocols.join(":"),
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    GIT_SSH_COMMAND: process.env["GIT_SSH_COMMAND"] ?? "ssh -oBatchMode=yes",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_NO_LAZY_FETCH: "1",
    // Should we be killed, nobody ends a transfer that stands still but Git itself.
    GIT_HTTP_LOW_SPEED_LIMIT: "1",
    GIT_HTTP_LOW_SPEED_TIME: String(Math.ceil(timeoutMs / 1000)),
    LC_ALL: "C",
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

/** Git's reason in the words of Argo CD's own client where it has some. */
function lastWords(errors: string): SourceError {
  if (
    /does not appear to be a git repository|repository .* (does not exist|not found)|not found$/im.test(
      errors,
    )
  ) {
    return new SourceError("repository not found");
  }
  if (/could not read (Username|Password)|Authentication failed|Permission denied/i.test(errors)) {
    return new SourceError("authentication required");
  }
  if (/File too large/.test(errors)) {
    return new SourceError("the repository is larger than the limit", "ResourceExhausted");
  }
  if (/Out of memory|Cannot allocate memory/.test(errors)) {
    return new SourceError("the repository takes more memory than the limit", "ResourceExhausted");
  }
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  const fatal = lines.find((line) => line.startsWith("fatal:")) ?? lines.at(-1) ?? "git failed";
  return new SourceError(withoutCredentials(fatal.replace(/^fatal: /, "")));
}
