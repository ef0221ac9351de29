import { chmodSync } from "node:fs";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { foreignCaller, isLoopbackName } from "@tracegate/contracts";

export interface LoopbackPlace {
  readonly port: number;
  readonly unixPath: string;
  /** The Service by which the cluster knows it: `prometheus-server.prometheus`. */
  readonly service: string;
}

/** More than a browser and a dashboard take; each connection is a file. */
const maxConnections = 512;
const limits = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000 };

/** Nobody shows our pages inside of theirs, takes our answers for scripts or images, or guesses what they are. */
const headers = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
};

/**
 * Serves on 127.0.0.1 for people, and on a Unix socket for the cluster's own network. Neither answers web pages of others,
 * whatever their names were made to resolve to. Resolves with the port.
 */
export async function serveLoopback(
  handler: RequestListener,
  at: LoopbackPlace,
): Promise<{ port: number; close(): void }> {
  const people = createServer(limits, guarded(handler, isOursOutside));
  const cluster = createServer(limits, guarded(handler, isOursInside(at.service)));
  people.maxConnections = maxConnections;
  cluster.maxConnections = maxConnections;
  await listen(people, { host: "127.0.0.1", port: at.port });
  await listen(cluster, { path: at.unixPath });
  chmodSync(at.unixPath, 0o600);
  const address = people.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : at.port,
    close() {
      for (const server of [people, cluster]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

/** Pods that may reach the machine's own ports know it by this name. */
const isOursOutside = (name: string): boolean => isLoopbackName(name) || name === "host.tracegate.internal";

/**
 * Names that no public name server gives: where pods have no network of their own, this socket's port is one of the
 * machine's loopback, too.
 */
const isOursInside =
  (service: string) =>
  (name: string): boolean =>
    name === service ||
    /^[\d.]+$|^\[|^[^.]+$/.test(name) ||
    name.endsWith(".svc") ||
    name.endsWith(".svc.cluster.local");

function guarded(handler: RequestListener, isOurs: (name: string) => boolean): RequestListener {
  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const refusal = foreignCaller(request, isOurs);
    if (refusal !== undefined) {
      // What may follow in the connection is not read.
      response.setHeader("Connection", "close");
      return answer(response, 403, refusal);
    }
    try {
      handler(request, response);
    } catch (error) {
      answer(response, 400, error instanceof Error ? error.message : String(error));
    }
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}

function listen(server: Server, at: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
