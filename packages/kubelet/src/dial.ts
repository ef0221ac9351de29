import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { readFirstLine, writeJsonLine } from "./agent/json-lines.ts";
import type { Hello, HelloAnswer } from "./agent/protocol.ts";

/**
 * A TCP connection to ip:port inside the node's network, through the agent's socket. Stands alone, so that worker
 * threads reach pods without the rest of the kubelet. Rejects with Go's wording
 * (`dial tcp 10.244.0.7:8080: connect: connection refused`).
 */
export function dialThroughAgent(socketPath: string, ip: string, port: number): Promise<Duplex> {
  return openAgentStream(socketPath, { op: "dial", ip, port });
}

/** Opens a connection to the agent and has its first line answered; what follows depends on `hello.op`. */
export async function openAgentStream(socketPath: string, hello: Hello): Promise<Duplex> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", (error) => {
      reject(
        Object.assign(new Error(`the node agent does not answer: ${error.message}`), { code: "EAGENT" }),
      );
    });
  });
  writeJsonLine(socket, hello);
  const answer = (await readFirstLine(socket)) as HelloAnswer;
  if (answer.ok) return socket;
  socket.destroy();
  const message = answer.error ?? "refused";
  throw Object.assign(new Error(message), message.includes("refused") ? { code: "ECONNREFUSED" } : {});
}
