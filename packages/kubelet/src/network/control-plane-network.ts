import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { ClusterNetwork } from "@tracegate/contracts";
import { EndpointSlice, isNotFound, type ResourceClient, Service } from "@tracegate/kube";
import type { Sandbox } from "../sandbox.ts";
import { backendOrder } from "./balance.ts";
import { networkConfig, serviceBackends } from "./cluster-records.ts";
import { goDialError, goNoSuchHost } from "./go-errors.ts";

const inCluster = /^10\.(96|244)\./;

/** Cluster names and addresses for the control plane's own clients, resolved from the API as a pod would from DNS. */
export function clusterNetwork(options: {
  client: ResourceClient;
  sandbox: Pick<Sandbox, "dial">;
}): ClusterNetwork {
  const { client, sandbox } = options;
  let turn = 0;

  const resolve = async (host: string): Promise<string[]> => {
    if (isIP(host) !== 0) return [host];
    const name = serviceName(host);
    if (name !== undefined) {
      const addresses = await serviceAddresses(client, name);
      if (addresses !== undefined && addresses.length > 0) return addresses;
      // `name.namespace` may also be a name of the surrounding system; the longer forms can only be the cluster's.
      if (host.split(".").length > 2) throw goNoSuchHost(host);
    }
    try {
      return (await lookup(host, { all: true, family: 4 })).map(({ address }) => address);
    } catch {
      throw goNoSuchHost(host);
    }
  };

  const dialAddress = async (ip: string, port: number): Promise<Duplex> => {
    if (!inCluster.test(ip)) return dialOutside(ip, port);
    if (!ip.startsWith("10.96.")) return sandbox.dial(ip, port);
    const [services, slices] = await Promise.all([client.list(Service), client.list(EndpointSlice)]);
    const service = services.items.find(({ spec }) => spec.clusterIP === ip);
    const own = slices.items.filter(
      ({ metadata }) =>
        metadata.namespace === service?.metadata.namespace &&
        metadata.labels?.["kubernetes.io/service-name"] === service?.metadata.name,
    );
    const backends =
      service === undefined ? [] : serviceBackends(service, own).filter((backend) => backend.port === port);
    const endpoints = backends.flatMap((backend) => backend.endpoints);
    turn += 1;
    for (const endpoint of backendOrder(
      endpoints.map((entry) => ({ ...entry, active: 0 })),
      turn,
    )) {
      try {
        return await sandbox.dial(endpoint.ip, endpoint.port);
      } catch {
        // The next one may answer.
      }
    }
    throw goDialError(ip, port, Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
  };

  return {
    resolve,
    async dial(host, port) {
      const [ip] = await resolve(host);
      if (ip === undefined) throw goNoSuchHost(host);
      return dialAddress(ip, port);
    },
  };
}

/** `name.namespace.svc[.cluster.local]`, with or without its last dot, and the short `name.namespace` without a port. */
function serviceName(host: string): { namespace: string; name: string } | undefined {
  const labels = host.toLowerCase().replace(/\.$/, "").split(".");
  const [name, namespace, svc, ...rest] = labels;
  if (name === undefined || namespace === undefined) return undefined;
  const isService =
    svc === undefined ||
    (svc === "svc" && (rest.length === 0 || (rest.length === 2 && rest.join(".") === "cluster.local")));
  return isService ? { namespace, name } : undefined;
}

async function serviceAddresses(
  client: ResourceClient,
  ref: { namespace: string; name: string },
): Promise<string[] | undefined> {
  try {
    const service = await client.get(Service, ref);
    const slices = await client.list(EndpointSlice, {
      namespace: ref.namespace,
      labelSelector: `kubernetes.io/service-name=${ref.name}`,
    });
    const { records } = networkConfig([service], slices.items);
    const own = records[`${ref.name}.${ref.namespace}.svc.cluster.local`];
    if (own?.cname !== undefined)
      return (await lookup(own.cname, { all: true, family: 4 })).map(({ address }) => address);
    return own?.a;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function dialOutside(ip: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port });
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error) => reject(goDialError(ip, port, error)));
  });
}
