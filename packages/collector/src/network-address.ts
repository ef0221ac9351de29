import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** `host:port` taken apart, brackets of IPv6 removed; undefined where it is not one. */
export function splitHostPort(address: string): { readonly host: string; readonly port: number } | undefined {
  const parts = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (parts === null) return undefined;
  const port = Number(parts[3]);
  return port > 65535 ? undefined : { host: parts[1] ?? parts[2] ?? "", port };
}

/** Listens, and answers the port. Failures come in Go's words. An empty host means every address. */
export function listen(
  server: Server,
  endpoint: string,
  bindHost: (host: string) => string,
): Promise<number> {
  const address = splitHostPort(endpoint);
  if (address === undefined)
    return Promise.reject(new Error(`listen tcp: address ${endpoint}: missing port in address`));
  const host = bindHost(address.host === "" ? "0.0.0.0" : address.host);
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new Error(`listen tcp ${endpoint}: ${bindFailure(error)}`, { cause: error }));
    });
    server.listen({ host: host === "localhost" ? "127.0.0.1" : host, port: address.port }, () => {
      // A TCP server's address is always an AddressInfo.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function bindFailure(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "bind: address already in use";
    case "EACCES":
      return "bind: permission denied";
    case "EADDRNOTAVAIL":
      return "bind: cannot assign requested address";
    default:
      return error.message;
  }
}

/** Takes no more connections, lets requests that run end, and drops idle connections. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    server.closeIdleConnections();
    // A client that trickles its request must not hold up the shutdown.
    setTimeout(() => server.closeAllConnections(), 1000).unref();
  });
}
