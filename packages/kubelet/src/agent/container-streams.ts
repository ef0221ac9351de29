import type { Readable, Writable } from "node:stream";
import type { Clock } from "@tracegate/contracts";
import type { PipedProgram } from "./piped-program.ts";
import { channel } from "./stream-frames.ts";

/** How long, and how much of, a container's first output is kept for somebody to attach. */
const earlyMs = 30_000;
const earlyBytes = 1024 * 1024;

export type OutputChannel = typeof channel.stdout | typeof channel.stderr;

/** Somebody attached; `write` answers false until `resumed` is called. */
export interface Attached {
  write(channel: OutputChannel, chunk: Buffer): boolean;
}

/**
 * The streams of a container's program as those who attach see them. `kubectl run -i` attaches when it has seen the pod
 * run, which a short program may not live to see: what it says first is kept for the first to attach. Past the limit
 * the oldest of it goes (the log has it all). A slow reader holds the program up, as with a container runtime.
 */
export class ContainerStreams {
  /** Where input goes; null for a container without. */
  readonly stdin: Writable | null;
  readonly #stdinOnce: boolean;
  readonly #outputs: readonly Readable[];
  readonly #attached = new Set<Attached>();
  readonly #slow = new Set<Attached>();
  #early: { channel: OutputChannel; chunk: Buffer }[] | undefined = [];
  #earlySize = 0;

  constructor(program: PipedProgram, options: { stdinOnce: boolean; clock: Clock }) {
    this.#stdinOnce = options.stdinOnce;
    const { stdin, stdout, stderr } = program;
    this.stdin = stdin;
    this.#outputs = [stdout, stderr];
    stdout.on("data", (chunk: Buffer) => this.#spread(channel.stdout, chunk));
    stderr.on("data", (chunk: Buffer) => this.#spread(channel.stderr, chunk));
    options.clock.after(earlyMs).then(
      () => {
        this.#early = undefined;
      },
      () => {},
    );
  }

  /** Whether a program that has ended still has something to say to somebody who attaches. */
  get holdsOutput(): boolean {
    return this.#early !== undefined;
  }

  attach(client: Attached): void {
    this.#attached.add(client);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const { channel: number, chunk } of early) this.#tell(client, number, chunk);
  }

  /** The client takes more again. */
  resumed(client: Attached): void {
    this.#slow.delete(client);
    if (this.#slow.size === 0) for (const stream of this.#outputs) stream.resume();
  }

  detach(client: Attached): void {
    this.#attached.delete(client);
    this.resumed(client);
  }

  /** The client that gave the input has no more. A container with `stdinOnce` then sees its end. */
  endInput(): void {
    if (this.#stdinOnce) this.stdin?.end();
  }

  #spread(number: OutputChannel, chunk: Buffer): void {
    if (this.#early !== undefined) this.#keep(number, chunk);
    for (const client of this.#attached) this.#tell(client, number, chunk);
  }

  #keep(number: OutputChannel, chunk: Buffer): void {
    this.#early?.push({ channel: number, chunk });
    this.#earlySize += chunk.length;
    while (this.#earlySize > earlyBytes) this.#earlySize -= this.#early?.shift()?.chunk.length ?? earlyBytes;
  }

  #tell(client: Attached, number: OutputChannel, chunk: Buffer): void {
    if (client.write(number, chunk)) return;
    this.#slow.add(client);
    for (const stream of this.#outputs) stream.pause();
  }
}
