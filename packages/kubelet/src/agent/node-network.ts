import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { platformRange, podNetwork, serviceRange } from "../network/addresses.ts";
import { runCommand } from "./command.ts";

/** Locally administered (bit 1 of the first octet), so it collides with no vendor's. */
const gatewayHardwareAddress = "02:74:67:00:00:01";

/**
 * The bridge every pod is wired to. The whole service range and the platform's range are local routes, so the agent can
 * listen on any of these addresses without giving them to an interface one by one; where nobody listens, the kernel
 * refuses the connection.
 *
 * Its hardware address is set: left alone, a bridge takes the lowest of its ports' addresses, so that a pod that comes or
 * goes could change it, and every other pod would send to the old one until its neighbour entry is probed, 5 s later.
 */
export async function makeBridge(): Promise<void> {
  await runCommand(
    "ip",
    ["-batch", "-"],
    `link set lo up
link add tg0 address ${gatewayHardwareAddress} type bridge
addr add ${podNetwork.gateway}/${podNetwork.prefixLength} dev tg0
link set tg0 up
route add local ${serviceRange} dev lo
route add local ${platformRange} dev lo
route add unreachable default
`,
  );
  // A router that knows no way says so at once; a host that is asked to forward would be silent, and pods would wait.
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
}

/** Files that hold a pod's namespaces open (`unshare` binds them), whatever its containers do. */
export interface PodNamespaces {
  readonly net: string;
  readonly uts: string;
  readonly ipc: string;
}

/** Makes a pod's network, UTS and IPC namespaces and wires its eth0 to the bridge. `link` is the bridge's end. */
export async function makePodNamespaces(options: {
  directory: string;
  link: string;
  ip: string;
  hostname: string;
}): Promise<PodNamespaces> {
  const { directory, link, ip, hostname } = options;
  const namespaces = {
    net: join(directory, "net"),
    uts: join(directory, "uts"),
    ipc: join(directory, "ipc"),
  };
  for (const file of Object.values(namespaces)) closeSync(openSync(file, "a"));
  await runCommand("sh", [
    "-ec",
    podNetworkScript,
    "sh",
    namespaces.net,
    namespaces.uts,
    namespaces.ipc,
    hostname,
    link,
    ip,
  ]);
  return namespaces;
}

// One shell for the whole set-up: each further process would cost more than the work it does. Containers have no
// capability over the pod's network, but may listen on any port and ping, as root in a container may.
const podNetworkScript = `
unshare --net="$1" --uts="$2" --ipc="$3" hostname "$4"
nsenter --net="$1" sh -c 'cd /proc/sys/net/ipv4; echo 0 > ip_unprivileged_port_start; echo 0 0 > ping_group_range'
ip link add "$5" type veth peer name eth0 netns "$1"
ip link set "$5" master tg0 up
nsenter --net="$1" ip -batch - <<END
link set lo up
addr add $6/${podNetwork.prefixLength} dev eth0
link set eth0 up
route add default via ${podNetwork.gateway}
END
`;

/** Takes the wire and the namespaces' files away; the namespaces end with the last process in them. */
export async function removePodNamespaces(namespaces: PodNamespaces, link: string): Promise<void> {
  await runCommand("sh", [
    "-c",
    'ip link del "$1"; umount "$2" "$3" "$4"; :',
    "sh",
    link,
    namespaces.net,
    namespaces.uts,
    namespaces.ipc,
  ]);
}
