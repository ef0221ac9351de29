import { arch, cpus, platform, release, totalmem } from "node:os";
import type { Clock } from "@tracegate/contracts";
import type { Controller } from "@tracegate/controller-runtime";
import {
  defineKind,
  formatMicroTime,
  formatTime,
  isAlreadyExists,
  isNotFound,
  type KubeObject,
  kubernetesVersion,
  Node,
  type ResourceClient,
} from "@tracegate/kube";

/** The name the one node has. */
export const nodeName = "tracegate";
const leaseSeconds = 40;
const renewMs = 10_000;
const statusMs = 300_000;
const leaseNamespace = "kube-node-lease";

interface Lease extends KubeObject {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
}
const Lease = defineKind<Lease>("coordination.k8s.io/v1", "Lease", "leases");

export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  readonly allocatable: { readonly cpu: string; readonly memory: string };
}

export const thisMachine = (): NodeFacts => ({
  name: nodeName,
  ip: "127.0.0.1",
  allocatable: { cpu: String(cpus().length), memory: `${Math.floor(totalmem() / 1024)}Ki` },
});

/** Keeps the node's object and its lease: the node is Ready as long as the control plane runs. */
export function nodeController(options: {
  client: ResourceClient;
  clock: Clock;
  facts: NodeFacts;
}): Controller<Node> {
  const { client, clock, facts } = options;
  let statusWritten = Number.NEGATIVE_INFINITY;
  return {
    name: "node",
    kind: Node,
    triggeredBy: (enqueue) => enqueue({ name: facts.name }),
    async reconcile({ name }) {
      if (name !== facts.name) return undefined;
      const now = clock.now();
      if (now - statusWritten >= statusMs) {
        await writeNode(client, facts, now);
        statusWritten = now;
      }
      await renewLease(client, facts.name, now);
      return { requeueAfterMs: renewMs };
    },
  };
}

async function writeNode(client: ResourceClient, facts: NodeFacts, now: number): Promise<void> {
  const wanted = nodeObject(facts);
  const present = await client.create(Node, wanted).catch(async (error) => {
    if (!isAlreadyExists(error)) throw error;
    return client.get(Node, { name: facts.name });
  });
  await client.update(
    Node,
    { ...present, status: nodeStatus(facts, present, now) },
    { subresource: "status" },
  );
}

function nodeObject({ name }: NodeFacts): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": platform(),
        "kubernetes.io/arch": architecture(),
      },
    },
    spec: { podCIDR: "10.244.0.0/16" },
  };
}

const architecture = (): string => ({ x64: "amd64", ia32: "386" })[arch() as string] ?? arch();

function nodeStatus(
  { name, ip, allocatable }: NodeFacts,
  present: Node,
  now: number,
): NonNullable<Node["status"]> {
  const resources = { ...allocatable, pods: "250", "ephemeral-storage": "0" };
  const condition = (type: string, status: "True" | "False", reason: string, message: string) => {
    const known = present.status?.conditions?.find((candidate) => candidate.type === type);
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: formatTime(now),
      lastTransitionTime:
        (known?.status === status ? known.lastTransitionTime : undefined) ?? formatTime(now),
    };
  };
  return {
    ...present.status,
    addresses: [
      { type: "InternalIP", address: ip },
      { type: "Hostname", address: name },
    ],
    capacity: resources,
    allocatable: resources,
    conditions: [
      condition(
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
      ),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
      condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ],
    nodeInfo: {
      machineID: "",
      systemUUID: "",
      bootID: "",
      kernelVersion: release(),
      osImage: "Tracegate",
      containerRuntimeVersion: "tracegate://namespaces",
      kubeletVersion: `v${kubernetesVersion()}`,
      kubeProxyVersion: "",
      operatingSystem: platform(),
      architecture: architecture(),
    },
  };
}

async function renewLease(client: ResourceClient, name: string, now: number): Promise<void> {
  const ref = { namespace: leaseNamespace, name };
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: formatMicroTime(now) };
  try {
    await client.patch(Lease, ref, { type: "merge", body: { spec } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(Lease, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: ref, spec });
  }
}
