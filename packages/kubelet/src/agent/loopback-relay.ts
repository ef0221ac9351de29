import { createServer, type Socket } from "node:net";
import { readFirstLine, writeJsonLine } from "./json-lines.ts";
import { dialTcp, joinSockets } from "./relay.ts";

/**
 * Runs in a pod's network namespace, as a process of the agent's that the pod cannot see: leads each connection to its
 * Unix socket to a port of the pod's loopback, which the connection's first line names. Ends with its input.
 */
const [socketPath] = process.argv.slice(2);
if (socketPath === undefined) throw new Error("the relay is started by the node agent");

async function serve(outside: Socket): Promise<void> {
  outside.on("error", () => {});
  try {
    // The agent's own message, on a socket that only it can open.
    const { port } = (await readFirstLine(outside)) as { port: number };
    const inside = await dialTcp("127.0.0.1", port).catch(() => dialTcp("::1", port));
    writeJsonLine(outside, { ok: true });
    joinSockets(outside, inside);
  } catch (error) {
    writeJsonLine(outside, { ok: false, error: error instanceof Error ? error.message : String(error) });
    outside.end();
  }
}

createServer({ allowHalfOpen: true }, (outside) => void serve(outside)).listen(socketPath, () => {
  console.log("ready");
});
process.stdin.once("end", () => process.exit(0)).resume();
