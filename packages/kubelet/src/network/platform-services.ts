import { lookup } from "node:dns/promises";
import { BlockList, connect } from "node:net";
import type { Duplex } from "node:stream";
import {
  EndpointSlice,
  isAlreadyExists,
  type Kind,
  type KubeObject,
  Namespace,
  type ResourceClient,
  Service,
} from "@tracegate/kube";
import type { Closer, Sandbox } from "../sandbox.ts";
import { hostAddress } from "./addresses.ts";
import { joinStreams } from "./node-ports.ts";

/** Where a platform service's connections go: a Unix socket or a loopback port outside, or a function of this process. */
export type PlatformTarget =
  | { readonly unixPath: string }
  | { readonly hostPort: number }
  | { readonly accept: (connection: Duplex) => void };

export interface PlatformService {
  readonly namespace: string;
  readonly name: string;
  /** Each port of the Service and its target. */
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly target: PlatformTarget;
  }[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** The addresses of a host outside. */
export type ResolveHost = (host: string) => Promise<readonly { address: string; family: number }[]>;

/** The platform's own addresses are handed out in order of registration: the same wiring gets the same ones. */
export class PlatformServices {
  readonly #client: ResourceClient;
  readonly #sandbox: Sandbox;
  readonly #resolve: ResolveHost;
  readonly #closers: Closer[] = [];
  readonly #ipByName = new Map<string, string>();
  readonly #outsideNames = new Map<string, string>();

  constructor(
    client: ResourceClient,
    sandbox: Sandbox,
    resolve: ResolveHost = (host) => lookup(host, { all: true }),
  ) {
    this.#client = client;
    this.#sandbox = sandbox;
    this.#resolve = resolve;
  }

  /** Makes a service of the platform a Service like any other: an object, endpoints, and an address that pods reach. */
  async register({ namespace, name, ports, labels = {} }: PlatformService): Promise<{ ip: string }> {
    const ip = this.#address(`${namespace}/${name}`);
    for (const { port, target } of ports) {
      this.#closers.push(await this.#listen(ip, port, target));
    }
    await this.#apply(Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const servicePorts = ports.map((entry) => ({
      ...(entry.name === undefined ? {} : { name: entry.name }),
      port: entry.port,
      targetPort: entry.port,
      protocol: "TCP",
    }));
    await this.#apply(Service, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name, labels: { ...labels } },
      spec: { type: "ClusterIP", ports: servicePorts },
    });
    await this.#apply(EndpointSlice, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace,
        name: `${name}-tracegate`,
        labels: {
          "kubernetes.io/service-name": name,
          "endpointslice.kubernetes.io/managed-by": "platform.tracegate.dev",
        },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [ip], conditions: { ready: true, serving: true, terminating: false } }],
      ports: ports.map((entry) => ({ name: entry.name ?? "", port: entry.port, protocol: "TCP" })),
    });
    return { ip };
  }

  /** Lets pods reach a port of the host's loopback, as `host.tracegate.internal:PORT`. */
  async exposeHostPort(port: number): Promise<void> {
    this.#closers.push(await this.#listen(hostAddress, port, { hostPort: port }));
  }

  /**
   * Lets pods reach one port of one host outside, by its name: the name gets an address inside, and this process carries
   * the bytes. A name that comes to mean this machine leads nowhere.
   */
  async allowEgress(host: string, port: number): Promise<void> {
    const ip = this.#address(`egress/${host}`);
    this.#outsideNames.set(host, ip);
    const accept = (inside: Duplex) => {
      inside.on("error", () => {});
      addressOutside(host, this.#resolve).then(
        (address) => joinTo(inside, address, port),
        () => inside.destroy(),
      );
    };
    this.#closers.push(await this.#listen(ip, port, { accept }));
  }

  /** By name, the addresses that stand for hosts outside. */
  get outsideNames(): ReadonlyMap<string, string> {
    return this.#outsideNames;
  }

  #listen(ip: string, port: number, target: PlatformTarget): Promise<Closer> {
    if ("unixPath" in target) return this.#sandbox.listenToUnix(ip, port, target.unixPath);
    if ("accept" in target) return this.#sandbox.listen(ip, port, target.accept);
    return this.#sandbox.listen(ip, port, (inside) => joinTo(inside, "127.0.0.1", target.hostPort));
  }

  #address(name: string): string {
    const known = this.#ipByName.get(name);
    if (known !== undefined) return known;
    if (this.#ipByName.size >= 250) throw new Error("no address is left for another platform service");
    const ip = `10.244.255.${this.#ipByName.size + 2}`;
    this.#ipByName.set(name, ip);
    return ip;
  }

  async #apply<T extends KubeObject>(kind: Kind<T>, object: T): Promise<void> {
    const { namespace, name } = object.metadata;
    try {
      await this.#client.create(kind, object);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      if (kind.kind === "Namespace") return;
      const ref = { ...(namespace === undefined ? {} : { namespace }), name };
      await this.#client.patch(kind, ref, { type: "merge", body: object });
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#closers.map((closer) => closer.close()));
  }
}

function joinTo(inside: Duplex, host: string, port: number): void {
  const outside = connect({ host, port, allowHalfOpen: true });
  inside.on("error", () => outside.destroy());
  outside.once("error", () => inside.destroy());
  outside.once("connect", () => joinStreams(inside, outside));
}

/** This machine, and what a cloud tells a machine about itself (credentials, too). */
const notOutside = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
] as const) {
  notOutside.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 127],
  ["fe80::", 10],
] as const) {
  notOutside.addSubnet(network, prefix, "ipv6");
}

/** Whoever answers for the name must not be able to lead pods to this machine. */
export async function addressOutside(host: string, resolve: ResolveHost): Promise<string> {
  const found = (await resolve(host)).find(
    ({ address, family }) => !notOutside.check(address, family === 6 ? "ipv6" : "ipv4"),
  );
  if (found === undefined) throw new Error(`${host} has no address outside of this machine`);
  return found.address;
}
