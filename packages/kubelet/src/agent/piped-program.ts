import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** A program and the other ends of its streams. */
export interface PipedProgram {
  readonly child: ChildProcess;
  /** Null for a program without input. */
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves once it has ended and nobody is left who could write to its streams. Never, where it could not be started. */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface PipedOptions extends Omit<SpawnOptions, "stdio"> {
  readonly hasStdin: boolean;
  /** What the program finds at file descriptor 3 and on. */
  readonly further?: readonly ("pipe" | number)[];
}

/** Made at once by one `mkfifo`, which costs more than they do. */
const batch = 16;

/**
 * Starts programs whose output streams are pipes. Those that Node makes are sockets, which Linux opens for nobody by a path:
 * `echo oh > /dev/stderr` would fail. A named pipe loses its name as soon as both ends are open, and is like any other then.
 *
 * Not so for input: opening a pipe that once had a name waits for somebody who writes, and after the end of the input
 * nobody does.
 */
export class PipedPrograms {
  readonly #directory: string;
  readonly #ready: string[] = [];
  #made = 0;
  /** Elsewhere `/dev/stdout` stands for a copy of the descriptor, whatever that is. */
  #areNamed: boolean;

  constructor(directory: string, system = process.platform) {
    this.#directory = directory;
    this.#areNamed = system === "linux";
  }

  start(program: string, args: readonly string[], options: PipedOptions): PipedProgram {
    const { hasStdin, further = [], ...rest } = options;
    const stdout = this.#output();
    const stderr = this.#output();
    try {
      const child = spawn(program, args, {
        ...rest,
        stdio: [hasStdin ? "pipe" : "ignore", stdout?.inside ?? "pipe", stderr?.inside ?? "pipe", ...further],
      });
      return piped(child, stdout?.outside ?? child.stdout, stderr?.outside ?? child.stderr);
    } finally {
      for (const pipe of [stdout, stderr]) if (pipe !== undefined) closeSync(pipe.inside);
    }
  }

  #output(): NamedPipe | undefined {
    const path = this.#path();
    if (path === undefined) return undefined;
    // Whoever opens one end waits for the other, but for a reader that says it does not.
    const outside = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const inside = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
    return { inside, outside: new Socket({ fd: outside, readable: true, writable: false }) };
  }

  #path(): string | undefined {
    if (this.#ready.length === 0 && this.#areNamed) this.#make();
    return this.#ready.pop();
  }

  #make(): void {
    mkdirSync(this.#directory, { recursive: true });
    const paths = Array.from({ length: batch }, (_, index) =>
      join(this.#directory, String(this.#made + index)),
    );
    this.#made += batch;
    const { status, stderr, error } = spawnSync("mkfifo", ["-m", "600", ...paths], { encoding: "utf8" });
    if (status === 0) this.#ready.push(...paths);
    else {
      console.error(`/dev/stdout cannot be opened in containers: ${error?.message ?? stderr.trim()}`);
      this.#areNamed = false;
    }
  }
}

interface NamedPipe {
  /** The program's end, as a descriptor. */
  readonly inside: number;
  readonly outside: Socket;
}

function piped(child: ChildProcess, stdout: Readable | null, stderr: Readable | null): PipedProgram {
  if (stdout === null || stderr === null) throw new Error("a program's streams are pipes");
  // A reader that is gone is the program's own business.
  child.stdin?.on("error", () => {});
  const ends = [stdout, stderr].map((end) => new Promise<void>((resolve) => end.once("close", resolve)));
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  // What nobody has asked for by now is not kept, nor is the descriptor that it would come from.
  const drain = () => {
    for (const stream of [stdout, stderr]) if (stream.listenerCount("data") === 0) stream.resume();
  };
  child.once("exit", () => setImmediate(drain)).once("error", drain);
  return { child, stdin: child.stdin, stdout, stderr, closed: Promise.all(ends).then(() => exit) };
}
