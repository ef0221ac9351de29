import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Clock } from "@tracegate/contracts";

export interface ProcessPoolOptions {
  /** Answers each message, in as many messages as it likes. */
  readonly file: URL;
  readonly clock: Clock;
  /** At most so many run at once; each has one request at a time. */
  readonly processes: number;
  /** For one request. */
  readonly timeLimitMs: number;
  /** Of JavaScript values, for one process. */
  readonly heapMb: number;
  /** After which a process without work is ended. */
  readonly idleMs: number;
}

/** Processes that are started when there is work, and ended when there is none or when a request goes beyond its limits. */
export interface ProcessPool<Request, Answer> {
  /** Answers in the order of asking, as processes are free. Rejects with a `ProcessEnded`. */
  run(request: Request): Promise<readonly Answer[]>;
  /** Those that run now. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** What an answer says of those to come: `retired` is the last of all. */
export type Continuation = "more" | "last" | "retired";

/** Why a process did not answer. */
export class ProcessEnded extends Error {
  readonly reason: "time" | "memory" | "killed" | "closed" | "failed";
  constructor(reason: ProcessEnded["reason"], message: string) {
    super(message);
    this.name = "ProcessEnded";
    this.reason = reason;
  }
}

interface Job<Request, Answer> {
  readonly request: Request;
  readonly answers: Answer[];
  readonly resolve: (answers: readonly Answer[]) => void;
  readonly reject: (error: ProcessEnded) => void;
}

export function processPool<Request extends object | string, Answer>(
  options: ProcessPoolOptions,
  continuation: (answer: Answer) => Continuation,
): ProcessPool<Request, Answer> {
  // As long as there are reconciles in flight: who asks waits.
  const waiting: Job<Request, Answer>[] = [];
  const running = new Set<PooledProcess<Request, Answer>>();
  let closed = false;

  function next(): void {
    while (waiting.length > 0) {
      const free =
        [...running].find(({ isFree }) => isFree) ?? (running.size < options.processes ? begin() : undefined);
      if (free === undefined) return;
      const job = waiting.shift();
      if (job !== undefined) free.take(job);
    }
  }

  function begin(): PooledProcess<Request, Answer> {
    const begun = new PooledProcess<Request, Answer>(options, continuation, {
      free: next,
      ended() {
        running.delete(begun);
        next();
      },
    });
    running.add(begun);
    return begun;
  }

  return {
    get pids() {
      return [...running].flatMap(({ pid }) => pid ?? []);
    },
    run: (request) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(closing());
        waiting.push({ request, answers: [], resolve, reject });
        next();
      }),
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(closing());
      await Promise.all([...running].map((each) => each.end(closing())));
    },
  };
}

const closing = () => new ProcessEnded("closed", "the platform is stopping");
const idle = () => new ProcessEnded("closed", "nothing to do");

/** Seconds of processor after which a process is to be replaced. */
export const retireAfterCpuSeconds = 60;

/**
 * Should we be killed, a process in the middle of a loop hears nothing of it: then the kernel ends it. A living one is
 * replaced, or ended by us, before it comes to that.
 */
const cpuLimitSeconds = ({ timeLimitMs }: ProcessPoolOptions): number =>
  retireAfterCpuSeconds + 2 * Math.ceil(timeLimitMs / 1000) + 30;
const limitedScript = 'ulimit -c 0; ulimit -t "$1"; shift; exec "$@"';

/** One process, from its start to its end. */
class PooledProcess<Request extends object | string, Answer> {
  #state: "free" | "busy" | "ending" = "free";
  #job: Job<Request, Answer> | undefined;
  #timer: AbortController | undefined;
  #lastWords = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #options: ProcessPoolOptions;
  readonly #continuation: (answer: Answer) => Continuation;
  readonly #tell: { free(): void; ended(): void };

  constructor(
    options: ProcessPoolOptions,
    continuation: (answer: Answer) => Continuation,
    tell: { free(): void; ended(): void },
  ) {
    this.#options = options;
    this.#continuation = continuation;
    this.#tell = tell;
    const flags = ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${options.heapMb}`];
    const command = [process.execPath, ...flags, fileURLToPath(options.file)];
    this.#child = spawn("sh", ["-c", limitedScript, "sh", String(cpuLimitSeconds(options)), ...command], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
      detached: true, // Ctrl-C is for the platform, which ends it
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-4000);
    });
    // What has been read of a message is of no use to anyone without the rest.
    this.#child.on("message", (answer) => this.#answered(answer as Answer)); // from `file`
    this.#ended = new Promise((resolve) => {
      const gone = (error: ProcessEnded) => {
        this.#fail(error);
        resolve();
        tell.ended();
      };
      this.#child.once("error", (error) => gone(new ProcessEnded("failed", error.message)));
      this.#child.once("close", (code, signal) => gone(endOf(code, signal, this.#lastWords)));
    });
  }

  get isFree(): boolean {
    return this.#state === "free";
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  take(job: Job<Request, Answer>): void {
    this.#state = "busy";
    this.#job = job;
    this.#after(this.#options.timeLimitMs, () => this.end(new ProcessEnded("time", "out of time")));
    this.#child.send(job.request, () => {}); // one that is gone says so by its end
  }

  /** Ends it, whatever it does: also in the middle of a loop. */
  async end(error: ProcessEnded): Promise<void> {
    this.#fail(error);
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #answered(answer: Answer): void {
    const job = this.#job;
    if (job === undefined) return; // it is being ended
    job.answers.push(answer);
    const next = this.#continuation(answer);
    if (next === "more") return;
    this.#job = undefined;
    job.resolve(job.answers);
    if (next === "retired") return void this.end(idle());
    this.#state = "free";
    this.#after(this.#options.idleMs, () => this.end(idle()));
    this.#tell.free();
  }

  #fail(error: ProcessEnded): void {
    this.#timer?.abort();
    this.#state = "ending";
    this.#job?.reject(error);
    this.#job = undefined;
  }

  /** There is one timer: of the request, or of having none. */
  #after(ms: number, action: () => void): void {
    this.#timer?.abort();
    const timer = new AbortController();
    this.#timer = timer;
    this.#options.clock.after(ms, timer.signal).then(
      () => void (timer.signal.aborted || action()),
      () => undefined, // in time
    );
  }
}

/** A process that V8 finds no memory for aborts; one that the kernel finds none for is killed. */
function endOf(code: number | null, signal: NodeJS.Signals | null, lastWords: string): ProcessEnded {
  if (signal === "SIGABRT" || /heap out of memory/.test(lastWords))
    return new ProcessEnded("memory", "out of memory");
  if (signal === "SIGKILL") return new ProcessEnded("killed", "killed by the system");
  if (signal === "SIGXCPU") return new ProcessEnded("time", "out of processor time");
  const words = lastWords.trim().split("\n").at(-1) ?? "";
  return new ProcessEnded(
    "failed",
    `its process ended with ${signal ?? code}${words === "" ? "" : `: ${words}`}`,
  );
}
