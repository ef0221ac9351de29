import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ProblemError } from "@tracegate/contracts";
import { processStart } from "./process-start.ts";

/** Everything a platform keeps lies below one directory; delete it to start afresh. */
export interface StateDirectory {
  readonly root: string;
  readonly apiDatabase: string;
  readonly certificates: string;
  readonly kubeconfig: string;
  readonly metrics: string;
  readonly traces: string;
  readonly pods: string;
  readonly repositories: string;
  readonly gitCache: string;
  readonly evidence: string;
}

export function stateDirectory(path: string): StateDirectory {
  const root = resolve(path);
  return {
    root,
    apiDatabase: join(root, "api.db"),
    certificates: join(root, "certificates"),
    kubeconfig: join(root, "kubeconfig"),
    metrics: join(root, "metrics"),
    traces: join(root, "traces.db"),
    pods: join(root, "pods"),
    repositories: join(root, "repos"),
    gitCache: join(root, "git"),
    evidence: join(root, "evidence"),
  };
}

/** What a running platform says of itself, for the other commands. */
export interface RunningPlatform {
  readonly pid: number;
  /** The process's start, as the system tells it: a number used again by another process is not taken for this one. */
  readonly started: string;
  readonly server: string;
  readonly urls: Readonly<Record<string, string>>;
}

const claimFile = (state: StateDirectory) => join(state.root, "platform.json");

/**
 * Makes the directory (0700), or closes one that is there to other users.
 * @throws ProblemError where it cannot be written, or is no directory for secrets.
 */
export function openStateDirectory(state: StateDirectory): void {
  try {
    makeDirectory(state.root);
    closeToOthers(state);
    accessSync(state.root, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw new ProblemError({
      code: "state/unwritable",
      where: state.root,
      message: `the state directory cannot be written (${(error as NodeJS.ErrnoException).code})`, // fs errors carry a code
      advice: "Give the directory to your user, or choose another with --state DIR",
    });
  }
}

/**
 * Opens the directory and claims it for this process.
 * @throws ProblemError as opening does, and where another platform runs on it.
 */
export function claimStateDirectory(state: StateDirectory): { release(): void } {
  openStateDirectory(state);
  const other = runningPlatform(state);
  if (other !== undefined && other.pid !== process.pid) {
    throw new ProblemError({
      code: "state/in-use",
      where: state.root,
      message: `a platform runs on this state directory already (process ${other.pid})`,
      advice: `Stop it with \`tracegate down --state ${state.root}\`, or choose another directory with --state DIR`,
    });
  }
  publishRunning(state, { server: "", urls: {} });
  return { release: () => rmSync(claimFile(state), { force: true }) };
}

/** Secrets lie in it. One that was there already is closed where it is ours alone: not `/tmp`, not a home directory. */
function closeToOthers(state: StateDirectory): void {
  if ((statSync(state.root).mode & 0o077) === 0) return;
  if (!existsSync(state.apiDatabase) && readdirSync(state.root).length > 0) {
    throw new ProblemError({
      code: "state/open-to-others",
      where: state.root,
      message: "the state directory holds other things, and other users can read it",
      advice: "Choose a directory that is not there yet, with --state DIR",
    });
  }
  chmodSync(state.root, 0o700);
}

/** Level by level: `recursive` of Node's own tries for ever where a file system refuses names (as /proc does). */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** A directory that nothing is ever in: pods see it in place of what they must not see. */
export const emptyDirectory = (state: StateDirectory): string => join(state.root, "empty");

/** Writes down where this process serves. */
export function publishRunning(
  state: StateDirectory,
  serving: Pick<RunningPlatform, "server" | "urls">,
): void {
  const running: RunningPlatform = {
    pid: process.pid,
    started: processStart(process.pid) ?? "",
    ...serving,
  };
  writeFileSync(claimFile(state), `${JSON.stringify(running, undefined, 2)}\n`, { mode: 0o600 });
}

/** The live platform on this directory, if any; the claim of one that was killed counts for nothing. */
export function runningPlatform(state: StateDirectory): RunningPlatform | undefined {
  let claim: RunningPlatform;
  try {
    claim = JSON.parse(readFileSync(claimFile(state), "utf8")) as RunningPlatform; // written by publishRunning only
  } catch {
    return undefined;
  }
  const start = processStart(claim.pid);
  return start !== undefined && start === claim.started ? claim : undefined;
}
