import type { Clock } from "@tracegate/contracts";
import type { VirtualScheduler } from "@tracegate/controller-runtime";
import type { ResourceClient } from "@tracegate/kube";

/** How a command ended, and what it printed, line by line. */
export interface Printed {
  readonly exit: number;
  readonly out: readonly string[];
}

/** A terminal that keeps what is written: no colours, no size. */
interface CapturedIo {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly terminal: undefined;
  readonly colour: false;
  readonly signal: AbortSignal;
}

/** No recorded command took longer. */
const longestMs = 10 * 60_000;

/** Runs a command in this process; virtual time goes on until it ends. */
export async function runCommand(
  scheduler: VirtualScheduler,
  command: (io: CapturedIo, clock: Clock) => Promise<number>,
): Promise<Printed> {
  let text = "";
  const write = (piece: string) => {
    text += piece;
  };
  const { signal } = new AbortController();
  const io = { out: write, err: write, env: {}, cwd: "/", terminal: undefined, colour: false, signal } as const;
  let exit: number | undefined;
  const ended = command(io, scheduler).then((code) => {
    exit = code;
  });
  const inTime = await scheduler.advanceUntil(() => exit !== undefined, scheduler.now() + longestMs);
  if (!inTime) throw new Error(`the command did not end; it printed:\n${text}`);
  await ended;
  return { exit: exit ?? -1, out: text === "" ? [] : text.replace(/\n$/, "").split("\n") };
}

/** How long an answer to a write takes to come back. Controllers see the first of two writes before the second is sent. */
const answerMs = 1;

/** A client at the other end of a wire. */
export function withLatency(client: ResourceClient, clock: Clock): ResourceClient {
  const late =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const answer = await call(...args);
      await clock.after(answerMs);
      return answer;
    };
  return {
    ...client,
    create: late(client.create) as ResourceClient["create"], // the same signatures, later
    update: late(client.update) as ResourceClient["update"],
    patch: late(client.patch) as ResourceClient["patch"],
    delete: late(client.delete),
  };
}
