import { PassThrough, Writable } from "node:stream";
import type { Hello } from "./agent/protocol.ts";
import { channel, encodeFrame, frameDecoder, maxFrameBytes } from "./agent/stream-frames.ts";
import { openAgentStream } from "./dial.ts";
import type { ExecStream } from "./sandbox.ts";

/** The streams of a process inside a container, over a connection to the agent; no side gets ahead of the other. */
export async function openProcessStream(
  socketPath: string,
  hello: Extract<Hello, { op: "exec" | "attach" }>,
): Promise<ExecStream> {
  const agent = await openAgentStream(socketPath, hello);
  const send = (number: number, bytes: Uint8Array, done: () => void = () => {}) => {
    if (agent.writable) agent.write(encodeFrame(number, bytes), () => done());
    else done();
  };
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, done) {
      let at = 0;
      for (; chunk.length - at > maxFrameBytes; at += maxFrameBytes) {
        send(channel.stdin, chunk.subarray(at, at + maxFrameBytes));
      }
      send(channel.stdin, chunk.subarray(at), done);
    },
    final: (done) => send(channel.stdinEnd, Buffer.alloc(0), done),
  });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const pass = (stream: PassThrough, payload: Buffer) => {
    if (stream.write(payload)) return;
    agent.pause();
    stream.once("drain", () => agent.resume());
  };
  const exitCode = new Promise<number>((resolve, reject) => {
    const decode = frameDecoder((number, payload) => {
      if (number === channel.stdout) pass(stdout, payload);
      else if (number === channel.stderr) pass(stderr, payload);
      else if (number === channel.exit) {
        const { exitCode: code } = JSON.parse(payload.toString()) as { exitCode: number };
        resolve(code);
      }
    });
    agent.on("data", (chunk: Buffer) => decode(chunk));
    agent.once("close", () => {
      stdout.end();
      stderr.end();
      reject(new Error("the container's process is gone without an exit code"));
    });
    agent.once("end", () => agent.end());
    agent.on("error", () => {});
  });
  // Not everyone asks how it ended.
  exitCode.catch(() => {});
  return {
    ...{ stdin, stdout, stderr, exitCode },
    resize: (size) => send(channel.resize, Buffer.from(JSON.stringify(size))),
    kill: () => void agent.destroy(),
  };
}
