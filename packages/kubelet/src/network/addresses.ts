/** The node's addresses. The service range is the API server's; the agent answers on all of it. */
export const podNetwork = { gateway: "10.244.0.1", prefixLength: 16 } as const;
export const serviceRange = "10.96.0.0/16";
/** Addresses the agent itself answers on for services of the platform. */
export const platformRange = "10.244.255.0/24";
/** Stands for the host's loopback, by the ports that are exposed. */
export const hostAddress = "10.244.255.1";
export const hostName = "host.tracegate.internal";
export const dnsAddress = "10.96.0.10";
export const clusterDomain = "cluster.local";

/** The pod addresses in the order they are handed out: 10.244.0.2 … 10.244.254.255, without the platform's. */
export const podAddressCount = 255 * 256 - 2;

export function podAddress(index: number): string {
  const offset = (index % podAddressCount) + 2;
  return `10.244.${offset >> 8}.${offset & 255}`;
}
