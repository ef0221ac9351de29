import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { StatusError } from "@tracegate/kube";
import { badRequest } from "../core/refusals.ts";
import { statusOf } from "../http/answers.ts";
import { isTrue, type ResourcePath } from "../http/request-info.ts";
import type { PodAccess, PodProcess, TerminalSize } from "./pod-access.ts";

/** `exec` and `attach`: what both are, whatever carries their streams. */

/** What a client asks for; a terminal has no stream of its own for errors. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's end of the streams; absent ones it did not ask for. */
export interface CommandWire {
  /** Ends when the client has no more to say. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  onResize(listener: (size: TerminalSize) => void): void;
  /** Resolves when the client has gone. */
  readonly gone: Promise<unknown>;
  /** Says how it ended, as JSON of a Status, and closes. */
  finish(status: object): void;
}

export function streamsOf(query: URLSearchParams): CommandStreams {
  const tty = isTrue(query.get("tty"));
  const streams = {
    stdin: isTrue(query.get("stdin")),
    stdout: isTrue(query.get("stdout")),
    stderr: isTrue(query.get("stderr")) && !tty,
    tty,
  };
  if (streams.stdin || streams.stdout || streams.stderr) return streams;
  throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
}

/**
 * Starts the command, or finds the program to attach to, and joins it with the client's streams. What the request
 * itself gets wrong is refused before `accept`; what the node cannot do is told on the accepted connection, where
 * clients look for it: a refused WebSocket only makes them try again over SPDY.
 */
export async function serveRemoteCommand(
  pods: PodAccess,
  { namespace = "", name = "", subresource }: ResourcePath,
  query: URLSearchParams,
  accept: (streams: CommandStreams) => Promise<CommandWire>,
): Promise<void> {
  const streams = streamsOf(query);
  const { stdin, tty } = streams;
  const container = query.get("container") ?? "";
  const pod = { namespace, name, ...(container === "" ? {} : { container }) };
  const command = query.getAll("command");
  if (subresource === "exec" && command.length === 0)
    throw badRequest("you must specify a command to execute");
  const open = () =>
    subresource === "exec" ? pods.exec({ ...pod, command, stdin, tty }) : pods.attach({ ...pod, stdin });
  const opened = await open().then(
    (process) => ({ process }),
    (error: unknown) => {
      if (error instanceof StatusError && error.status.code < 500) throw error;
      return { error };
    },
  );
  if ("error" in opened) {
    const wire = await accept(streams);
    wire.finish(statusOf(opened.error));
    return;
  }
  try {
    join(opened.process, await accept(streams));
  } catch (error) {
    opened.process.kill();
    throw error;
  }
}

function join(process: PodProcess, wire: CommandWire): void {
  process.stdin.on("error", () => {}); // the process may end before its input does
  if (wire.stdin !== undefined) wire.stdin.pipe(process.stdin);
  const outputs = [carry(process.stdout, wire.stdout), carry(process.stderr, wire.stderr)];
  wire.onResize((size) => process.resize(size));
  void wire.gone.then(() => process.kill());
  const finish = async () => {
    const code = await process.exitCode;
    await Promise.all(outputs);
    wire.finish(exitStatus(code));
  };
  finish().catch((error: unknown) => wire.finish(statusOf(error)));
}

/** Until the client has taken it all. What nobody asked for is read and dropped: unread it would hold the program up. */
async function carry(from: Readable, to: Writable | undefined): Promise<void> {
  if (to === undefined) from.resume();
  else await pipeline(from, to).catch(() => {}); // the client has gone
}

/** How a command ended, as clients read it from the last message. */
function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

/** A terminal's size as clients send it; undefined for what is none. */
export function terminalSizeIn(text: string): TerminalSize | undefined {
  let sent: unknown;
  try {
    sent = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof sent !== "object" || sent === null || !("Width" in sent) || !("Height" in sent))
    return undefined;
  const [width, height] = [sent.Width, sent.Height];
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}

const isSide = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65536;
