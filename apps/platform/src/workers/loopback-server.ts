import { createServer, type RequestListener, type Server } from "node:http";

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]", "host.tracegate.internal"]);

/**
 * Serves on 127.0.0.1 for people, and on a Unix socket for the cluster's own network. People's port answers loopback
 * host names only: a web page whose name was rebound to 127.0.0.1 gets nothing. Resolves with the port.
 */
export async function serveLoopback(
  handler: RequestListener,
  at: { port: number; unixPath: string },
): Promise<{ port: number; close(): void }> {
  const people = createServer((request, response) => {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    if (loopbackNames.has(host)) return handler(request, response);
    response.writeHead(403, { "content-type": "text/plain; charset=utf-8" });
    response.end(`host ${JSON.stringify(host)} is not served here: use 127.0.0.1 or localhost\n`);
  });
  const cluster = createServer(handler);
  await listen(people, { host: "127.0.0.1", port: at.port });
  await listen(cluster, { path: at.unixPath });
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

function listen(server: Server, at: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
