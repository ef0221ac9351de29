import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { clusterDomain } from "../../network/addresses.ts";
import type { DnsRecords } from "../protocol.ts";
import type { Reach } from "../reach.ts";
import { dialTcp, joinSockets } from "../relay.ts";

export interface PodIdentity {
  readonly uid: string;
  readonly ip: string;
  readonly namespace: string;
}

type Records = Readonly<Record<string, DnsRecords>>;

/**
 * The proxy that programs are given as $http_proxy: it knows the cluster's names, which the machine does not. It leads
 * nowhere else, and only pods may ask it. Resolves with its port.
 */
export async function startHttpProxy(options: {
  podOf(secret: string): PodIdentity | undefined;
  records(): Records;
  reach: Reach;
}): Promise<number> {
  const podOf = (request: IncomingMessage) => {
    const [, encoded = ""] = /^Basic (\S+)$/i.exec(request.headers["proxy-authorization"] ?? "") ?? [];
    return options.podOf(Buffer.from(encoded, "base64").toString().split(":")[1] ?? "");
  };
  const place = (pod: PodIdentity, host: string, port: number) => {
    const ip = resolveInPod(options.records(), host, pod);
    return ip === undefined ? undefined : options.reach.locate(ip, port);
  };

  const server = createServer((request, response) => {
    const refuse = (status: number, words: string) => {
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${words}\n`);
    };
    const pod = podOf(request);
    if (pod === undefined) return refuse(407, "this proxy serves the pods of the node");
    const url = URL.parse(request.url ?? "");
    if (url?.protocol !== "http:") return refuse(400, "an absolute http URL is needed");
    const at = place(pod, url.hostname, Number(url.port || 80));
    if (at === undefined) return refuse(502, `no such host, or nothing listens: ${url.host}`);
    const { "proxy-authorization": _secret, "proxy-connection": _connection, ...headers } = request.headers;
    const upstream = httpRequest(
      { ...at, method: request.method, path: url.pathname + url.search, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    upstream.on("error", (error) => (response.headersSent ? response.destroy() : refuse(502, error.message)));
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  });
  server.on("connect", (request: IncomingMessage, client: Duplex) => {
    client.on("error", () => {});
    const [host = "", port = ""] = (request.url ?? "").split(/:(?=\d+$)/);
    const pod = podOf(request);
    const at = pod === undefined ? undefined : place(pod, host, Number(port));
    if (at === undefined) {
      client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return;
    }
    dialTcp(at.host, at.port).then(
      (upstream) => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        joinSockets(client as Socket, upstream); // what `connect` hands over is the client's socket
      },
      () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port; // a TCP server's
}

/** The address that a host stands for in a pod, by the same search domains as its resolv.conf would have. */
export function resolveInPod(
  records: Records,
  host: string,
  { ip, namespace }: Pick<PodIdentity, "ip" | "namespace">,
): string | undefined {
  if (isIP(host) !== 0) return host.startsWith("127.0.0.") ? ip : host;
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost") return ip;
  for (const suffix of [
    `.${namespace}.svc.${clusterDomain}`,
    `.svc.${clusterDomain}`,
    `.${clusterDomain}`,
    "",
  ]) {
    const key = `${name}${suffix}`;
    const found = Object.hasOwn(records, key) ? records[key] : undefined;
    if (found?.cname !== undefined) return resolveInPod(records, found.cname, { ip, namespace });
    if (found?.a?.[0] !== undefined) return found.a[0];
  }
  return undefined;
}
