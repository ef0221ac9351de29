import {
  type Endpoint,
  type EndpointSlice,
  jsonEqual,
  matchesLabelSelector,
  type Pod,
  type Service,
  type ServicePort,
} from "@tracegate/kube";
import { isReady } from "../pods/pod-state.ts";
import type { EndpointSubset, Endpoints } from "./endpoints-kind.ts";

export const SERVICE_NAME = "kubernetes.io/service-name";
export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const OUR_NAME = "endpointslice-controller.k8s.io";
const HEADLESS = "service.kubernetes.io/headless";
const SLICE_SIZE = 100;

type SlicePorts = NonNullable<EndpointSlice["ports"]>;

/** Pods behind a Service that resolve its ports to the same numbers. */
interface Group {
  readonly ports: SlicePorts;
  readonly pods: readonly Pod[];
}

/** Services whose endpoints follow from pods; those of the others are their owners' to write. */
export function hasPodEndpoints({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && Object.keys(spec.selector ?? {}).length > 0;
}

/** Selected, with an address, and not ended. */
export function podsBehind({ spec, metadata }: Service, pods: readonly Pod[]): readonly Pod[] {
  return pods
    .filter(
      ({ metadata: own, status }) =>
        own.namespace === metadata.namespace &&
        matchesLabelSelector({ matchLabels: spec.selector ?? {} }, own.labels) &&
        (status?.podIP ?? "") !== "" &&
        status?.phase !== "Succeeded" &&
        status?.phase !== "Failed",
    )
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** The slices that a Service should have, and which of those it has serve for them. */
export interface SlicePlan {
  readonly create: readonly Pick<EndpointSlice, "addressType" | "endpoints" | "ports">[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

export function planSlices(
  service: Service,
  pods: readonly Pod[],
  existing: readonly EndpointSlice[],
): SlicePlan {
  const unused = existing.filter(({ addressType }) => addressType === "IPv4");
  const create: SlicePlan["create"][number][] = [];
  const update: EndpointSlice[] = [];
  for (const { ports, pods: members } of groupsOf(service, podsBehind(service, pods))) {
    for (let first = 0; first === 0 || first < members.length; first += SLICE_SIZE) {
      const endpoints = members.slice(first, first + SLICE_SIZE).map((pod) => endpointOf(service, pod));
      const wanted = { addressType: "IPv4" as const, endpoints, ports };
      const same = unused.findIndex((slice) => jsonEqual(slice.ports ?? [], ports));
      const [slice] = same < 0 ? [] : unused.splice(same, 1);
      if (slice === undefined) create.push(wanted);
      else if (!jsonEqual(slice.endpoints ?? [], endpoints)) update.push({ ...slice, ...wanted });
    }
  }
  return { create, update, delete: unused };
}

/** Always at least one, so that a Service without pods has an (empty) slice, too. */
function groupsOf(service: Service, pods: readonly Pod[]): readonly Group[] {
  const groups = new Map<string, { ports: SlicePorts; pods: Pod[] }>();
  for (const pod of pods) {
    const ports = resolvedPorts(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, pods: [] };
    group.pods.push(pod);
    groups.set(key, group);
  }
  if (groups.size === 0) return [{ ports: resolvedPorts(service, undefined), pods: [] }];
  return [...groups.values()];
}

function resolvedPorts({ spec }: Service, pod: Pod | undefined): SlicePorts {
  return (spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(servicePort, pod);
    if (port === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

/** A named target is whatever number the pod's container gives the name. */
function targetPort(servicePort: ServicePort, pod: Pod | undefined): number | undefined {
  const { targetPort: target = servicePort.port, protocol = "TCP" } = servicePort;
  if (typeof target === "number") return target === 0 ? servicePort.port : target;
  for (const { ports = [] } of pod?.spec.containers ?? []) {
    const port = ports.find((own) => own.name === target && (own.protocol ?? "TCP") === protocol);
    if (port !== undefined) return port.containerPort;
  }
  return undefined;
}

function endpointOf({ spec }: Service, pod: Pod): Endpoint {
  const { metadata, status, spec: podSpec } = pod;
  const terminating = metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  return {
    addresses: [status?.podIP ?? ""],
    conditions: {
      ready: spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(podSpec.hostname !== undefined && podSpec.subdomain !== undefined && { hostname: podSpec.hostname }),
    ...(podSpec.nodeName !== undefined && { nodeName: podSpec.nodeName }),
    targetRef: targetOf(pod),
  };
}

const targetOf = ({ metadata: { namespace, name, uid } }: Pod) => ({
  kind: "Pod",
  ...(namespace !== undefined && { namespace }),
  name,
  ...(uid !== undefined && { uid }),
});

/** The same as a core/v1 Endpoints object, which older clients still read; pods that are ending are left out. */
export function endpointsOf(service: Service, pods: readonly Pod[]): Pick<Endpoints, "metadata" | "subsets"> {
  const { metadata, spec } = service;
  const labels = {
    ...metadata.labels,
    ...(spec.clusterIP === "None" && { [HEADLESS]: "" }),
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
  };
  const staying = podsBehind(service, pods).filter(
    (pod) => pod.metadata.deletionTimestamp === undefined || spec.publishNotReadyAddresses === true,
  );
  const subsets: EndpointSubset[] = groupsOf(service, staying)
    .filter((group) => group.pods.length > 0)
    .map(({ ports, pods: members }) => {
      const isListed = (pod: Pod) => spec.publishNotReadyAddresses === true || isReady(pod);
      const addresses = members.filter(isListed).map(addressOf);
      const notReadyAddresses = members.filter((pod) => !isListed(pod)).map(addressOf);
      return {
        ...(addresses.length > 0 && { addresses }),
        ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
        ...(ports.length > 0 && {
          ports: ports.map(({ name, port = 0, protocol = "TCP" }) => ({
            ...(name && { name }),
            port,
            protocol,
          })),
        }),
      };
    });
  return {
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels,
    },
    ...(subsets.length > 0 && { subsets }),
  };
}

const addressOf = (pod: Pod) => ({
  ip: pod.status?.podIP ?? "",
  ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
  targetRef: targetOf(pod),
});
