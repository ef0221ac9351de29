import { connect, createServer, type Server, type Socket } from "node:net";
import { goDialError } from "../network/go-errors.ts";

/** How long a connection attempt inside the node's own network may take. */
const dialTimeoutMs = 10_000;

/** Connects to `at`, where ip:port is met on this machine; errors speak of ip:port. */
export function dialTcp(
  ip: string,
  port: number,
  at: { readonly host: string; readonly port: number } = { host: ip, port },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...at, noDelay: true, allowHalfOpen: true });
    const fail = (error: unknown) => {
      socket.destroy();
      reject(goDialError(ip, port, error));
    };
    socket.setTimeout(dialTimeoutMs, () => fail(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

/** Copies both ways, half-closes included, until both have ended; an error on one side resets the other. */
export function joinSockets(left: Socket, right: Socket, onClosed?: () => void): void {
  let open = 2;
  const pair = (from: Socket, to: Socket) => {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.once("close", () => {
      if (!from.readableEnded) to.destroy();
      open -= 1;
      if (open === 0) onClosed?.();
    });
  };
  pair(left, right);
  pair(right, left);
}

/** A server, to listen inside, that hands every connection to a Unix socket outside. */
export function forwarder(unixPath: string): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (inside) => {
    inside.on("error", () => {});
    const outside = connect({ path: unixPath, allowHalfOpen: true });
    outside.once("error", () => inside.resetAndDestroy());
    outside.once("connect", () => joinSockets(inside, outside));
  });
}

export function listening(server: Server, ip: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: ip, port, backlog: 511 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
