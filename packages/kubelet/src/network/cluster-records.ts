import type { EndpointSlice, Pod, Service } from "@tracegate/kube";
import type { DnsRecords, NetworkConfig, ServiceBackends } from "../sandbox.ts";
import { clusterDomain, hostAddress, hostName } from "./addresses.ts";

const sliceLabel = "kubernetes.io/service-name";

/**
 * What the node's DNS and service proxy serve, from the cluster's Services, EndpointSlices and Pods, and from the names
 * of the outside that pods may reach, each with the address that stands for it.
 */
export function networkConfig(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  pods: readonly Pick<Pod, "metadata" | "status">[] = [],
  outsideNames: ReadonlyMap<string, string> = new Map(),
): NetworkConfig {
  const byService = Map.groupBy(
    slices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[sliceLabel] ?? ""}`,
  );
  const records: Record<string, DnsRecords> = { [hostName]: { a: [hostAddress] } };
  for (const [name, ip] of outsideNames) records[name] = { a: [ip] };
  const backends: ServiceBackends[] = [];
  for (const service of services) {
    const own = byService.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [];
    Object.assign(records, serviceRecords(service, own));
    backends.push(...serviceBackends(service, own));
  }
  for (const { metadata, status } of pods) {
    const ip = status?.podIP;
    if (ip !== undefined)
      records[`${ip.replaceAll(".", "-")}.${metadata.namespace}.pod.${clusterDomain}`] = { a: [ip] };
  }
  return { services: backends, records };
}

/** Each port of a service with a cluster address, and the endpoints that are ready for it. */
export function serviceBackends(service: Service, slices: readonly EndpointSlice[]): ServiceBackends[] {
  const { clusterIP, ports = [], publishNotReadyAddresses = false } = service.spec;
  if (!isClusterIP(clusterIP)) return [];
  return ports
    .filter(({ protocol = "TCP" }) => protocol === "TCP")
    .map(({ name = "", port }) => ({
      clusterIP,
      port,
      endpoints: slices.flatMap((slice) => {
        const target = slice.ports?.find((candidate) => (candidate.name ?? "") === name)?.port;
        if (target === undefined) return [];
        return readyAddresses(slice, publishNotReadyAddresses).map(({ ip }) => ({ ip, port: target }));
      }),
    }));
}

function readyAddresses(
  slice: EndpointSlice,
  withUnready: boolean,
): { ip: string; hostname: string | undefined }[] {
  return slice.endpoints
    .filter(({ conditions }) => withUnready || conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) => addresses.map((ip) => ({ ip, hostname })));
}

const isClusterIP = (address: string | undefined): address is string =>
  address !== undefined && address !== "" && address !== "None";

function serviceRecords(service: Service, slices: readonly EndpointSlice[]): Record<string, DnsRecords> {
  const { name, namespace } = service.metadata;
  const { type, externalName, clusterIP, ports = [], publishNotReadyAddresses = false } = service.spec;
  const fqdn = `${name}.${namespace}.svc.${clusterDomain}`;
  if (type === "ExternalName") {
    return externalName === undefined
      ? {}
      : { [fqdn]: { cname: externalName.toLowerCase().replace(/\.$/, "") } };
  }
  const records: Record<string, DnsRecords> = {};
  if (isClusterIP(clusterIP)) {
    records[fqdn] = { a: [clusterIP] };
    for (const port of ports) {
      if (port.name !== undefined)
        records[srvName(port.name, port.protocol, fqdn)] = { srv: [{ port: port.port, target: fqdn }] };
    }
    return records;
  }
  const ready = slices.flatMap((slice) =>
    readyAddresses(slice, publishNotReadyAddresses).map((address) => ({ ...address, slice })),
  );
  // Without an endpoint a headless name does not exist.
  if (ready.length === 0) return {};
  records[fqdn] = { a: [...new Set(ready.map(({ ip }) => ip))] };
  for (const { ip, hostname, slice } of ready) {
    const own = `${hostname ?? ip.replaceAll(".", "-")}.${fqdn}`;
    records[own] = { a: [ip] };
    for (const { name: portName, protocol, port } of slice.ports ?? []) {
      if (portName === undefined || portName === "" || port === undefined) continue;
      const key = srvName(portName, protocol, fqdn);
      records[key] = { srv: [...(records[key]?.srv ?? []), { port, target: own }] };
    }
  }
  return records;
}

const srvName = (port: string, protocol = "TCP", fqdn: string): string =>
  `_${port}._${protocol.toLowerCase()}.${fqdn}`;
