import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFirstLine, writeJsonLine } from "./json-lines.ts";
import type { HelloAnswer } from "./protocol.ts";

/** How long a relay that nobody uses is kept: it holds some 40 MB. */
const idleMs = 30_000;

/** The way to what programs serve on their pod's own loopback, through a relay that is started when first needed. */
export class PodLoopback {
  readonly #netNamespace: string;
  readonly #socketPath: string;
  #relay: { process: ChildProcess; ready: Promise<void> } | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  /** `directory` is one of the pod's that its containers do not see. */
  constructor(netNamespace: string, directory: string) {
    this.#netNamespace = netNamespace;
    this.#socketPath = join(directory, "lo");
  }

  async dial(port: number): Promise<Socket> {
    this.#users += 1;
    clearTimeout(this.#idle);
    let socket: Socket | undefined;
    try {
      this.#relay ??= this.#start();
      await this.#relay.ready;
      socket = await connected(this.#socketPath);
      writeJsonLine(socket, { port });
      const answer = (await readFirstLine(socket)) as HelloAnswer; // the relay's
      if (!answer.ok) throw new Error(answer.error);
      socket.once("close", () => this.#left());
      return socket;
    } catch (error) {
      socket?.destroy();
      this.#left();
      throw error;
    }
  }

  #left(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#idle = setTimeout(() => this.close(), idleMs);
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#relay?.process.stdin?.end();
    this.#relay = undefined;
  }

  #start() {
    rmSync(this.#socketPath, { force: true });
    const program = fileURLToPath(new URL("./loopback-relay.ts", import.meta.url));
    const child = spawn(
      "nsenter",
      [`--net=${this.#netNamespace}`, process.execPath, ...process.execArgv, program, this.#socketPath],
      { stdio: ["pipe", "pipe", "ignore"], cwd: "/" },
    );
    child.stdin.on("error", () => {});
    const ready = new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      child.once("error", reject).once("exit", () => {
        if (this.#relay?.process === child) this.#relay = undefined;
        reject(new Error("the relay into the pod's network has ended"));
      });
    });
    ready.catch(() => {});
    return { process: child, ready };
  }
}

function connected(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });
}
