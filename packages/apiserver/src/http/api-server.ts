import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { ProblemError } from "@tracegate/contracts";
import { type TokenUser, tokenReader } from "../auth/authentication.ts";
import type { Pki } from "../auth/certificates.ts";
import { type ServiceAccountTokens, serviceAccountTokens } from "../auth/service-account-tokens.ts";
import type { Api } from "../core/api.ts";
import type { PodAccess } from "../pods/pod-access.ts";
import { type HandlerOptions, requestHandler, upgradeHandler } from "./request-handler.ts";

export interface ApiServerOptions {
  readonly api: Api;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The wanted port; when it is taken, the next free one. 0: any. */
  readonly port: number;
  /** From `openPki`. Absent: plain HTTP, where kubectl sends no credentials; for tests. */
  readonly pki?: Pki;
  readonly tokens?: readonly TokenUser[];
  /** Where the key of service accounts' tokens is kept, so that they outlive the process. */
  readonly keyDirectory?: string;
  /** Names by which the server may be called, beside loopback ones. */
  readonly hosts?: readonly string[];
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  /** For the node, which puts tokens into projected volumes. */
  readonly tokens: ServiceAccountTokens;
  /** Lets `log`, `exec`, `attach` and `portforward` of pods through to whoever runs them. */
  usePodAccess(pods: PodAccess): void;
  close(): Promise<void>;
}

/** How many ports after the wanted one are tried. */
const PORT_ATTEMPTS = 100;
/** Go's clients keep idle connections for 90 s; a server that closes them sooner makes their next write fail. */
const KEEP_ALIVE_MS = 120_000;
/** For a client to send its request; the answer, a watch, may last for hours. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000 };

/** Names under which the API is known inside the cluster. */
const CLUSTER_HOSTS = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "10.96.0.1",
];

/** The names that the server's certificate is for: loopback ones, those inside the cluster, and `more`. */
export function apiServerHosts(more: readonly string[] = []): string[] {
  return [...new Set(["localhost", "127.0.0.1", "::1", ...CLUSTER_HOSTS, ...more])];
}

/** Serves the API over HTTP or TLS until closed. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { api, host = "127.0.0.1", port, pki, tokens = [], keyDirectory, hosts = [] } = options;
  const fixed = tokenReader(tokens);
  const accounts = serviceAccountTokens(api, keyDirectory);
  let address = "";
  let pods: PodAccess | undefined;
  const handling: HandlerOptions = {
    api,
    readToken: (token) => fixed(token) ?? accounts.read(token),
    tokens: accounts,
    hosts: [...CLUSTER_HOSTS, host, ...hosts],
    address: () => address,
    pods: () => pods,
  };
  const handler = requestHandler(handling);
  const server =
    pki === undefined
      ? createHttpServer(LIMITS, handler)
      : createHttpsServer(
          {
            ...LIMITS,
            cert: pki.server.certificate,
            key: pki.server.key,
            ca: pki.authority,
            requestCert: true,
            rejectUnauthorized: false,
          },
          handler,
        );
  server.on("upgrade", upgradeHandler(handling));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const bound = await listen(server, host, port);
  address = `${host}:${bound}`;
  return {
    url: `${pki === undefined ? "http" : "https"}://${address}`,
    port: bound,
    tokens: accounts,
    usePodAccess(access) {
      pods = access;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

async function listen(server: Server, host: string, wanted: number): Promise<number> {
  for (let port = wanted; ; port++) {
    try {
      server.listen(port, host);
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    } catch (error) {
      const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (taken && wanted !== 0 && port < wanted + PORT_ATTEMPTS) continue;
      const text = error instanceof Error ? error.message : String(error);
      const where = `${host}:${wanted}`;
      throw new ProblemError(
        { code: "apiserver/listen", message: `cannot listen: ${text}`, where },
        { cause: error },
      );
    }
  }
}
