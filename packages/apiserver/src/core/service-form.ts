import { jsonEqual, type KubeObject } from "@tracegate/kube";
import { qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

export const isServices = (served: ServedKind): boolean => qualified(served) === "services";

export interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ports?: { nodePort?: number; [field: string]: unknown }[];
  [field: string]: unknown;
}

/**
 * A Service in the form that is checked: both fields for its address say the same, an update keeps what the Service was
 * given before, and what a former type had left behind is gone, unless it was sent anew.
 */
export function withKeptAddresses(service: KubeObject, before?: KubeObject): KubeObject {
  const spec: ServiceSpec = { ...specOf(service) };
  const old = before === undefined ? undefined : specOf(before);
  if (old !== undefined) {
    keepAddress(spec, old);
    dropTypeDependent(spec, old);
  }
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
  return { ...service, spec } as KubeObject;
}

function keepAddress(spec: ServiceSpec, old: ServiceSpec): void {
  if (!hasAddress(spec) || !hasAddress(old)) return;
  const [address, former] = [spec.clusterIP ?? "", old.clusterIP ?? ""];
  if (address === "") {
    spec.clusterIP = former;
    if ((spec.clusterIPs ?? []).length === 0) spec.clusterIPs = old.clusterIPs ?? [];
  } else if (address !== former && jsonEqual(spec.clusterIPs ?? [], old.clusterIPs ?? [])) {
    spec.clusterIPs = [address];
  }
  if (isExposed(spec) && isExposed(old)) {
    spec.ports = (spec.ports ?? []).map((port) => {
      const kept = port.nodePort || sameNodePort(port, old);
      return kept === undefined ? port : { ...port, nodePort: kept };
    });
  }
}

export const hasAddress = ({ type }: ServiceSpec): boolean => type !== "ExternalName";
export const isExposed = ({ type }: ServiceSpec): boolean => type === "NodePort" || type === "LoadBalancer";
const isReachable = (spec: ServiceSpec): boolean =>
  isExposed(spec) || (spec.type === "ClusterIP" && ((spec["externalIPs"] as unknown[]) ?? []).length > 0);

/** Fields that only some types have go with the type, unless they were changed too: then validation has its say. */
function dropTypeDependent(spec: ServiceSpec, old: ServiceSpec): void {
  const balanced = ({ type }: ServiceSpec): boolean => type === "LoadBalancer";
  const rules: readonly (readonly [readonly string[], (spec: ServiceSpec) => boolean])[] = [
    [["clusterIP", "clusterIPs"], hasAddress],
    [["ipFamilies"], hasAddress],
    [["ipFamilyPolicy"], hasAddress],
    [["internalTrafficPolicy"], hasAddress],
    [["allocateLoadBalancerNodePorts"], balanced],
    [["loadBalancerClass"], balanced],
    [["externalTrafficPolicy"], isReachable],
  ];
  for (const [fields, applies] of rules) {
    if (!applies(old) || applies(spec)) continue;
    if (!fields.every((field) => jsonEqual(spec[field], old[field]))) continue;
    for (const field of fields) delete spec[field];
  }
  if (isExposed(old) && !isExposed(spec) && jsonEqual(portsOf(spec), portsOf(old))) {
    spec.ports = (spec.ports ?? []).map(({ nodePort: _, ...port }) => port);
  }
}

export const specOf = (service: KubeObject): ServiceSpec =>
  "spec" in service && typeof service.spec === "object" && service.spec !== null
    ? (service.spec as ServiceSpec)
    : {};

export const portsOf = ({ ports }: ServiceSpec): number[] =>
  (ports ?? []).flatMap(({ nodePort }) => (nodePort === undefined || nodePort === 0 ? [] : [nodePort]));

/** The port it had: matched by port and protocol, as an update without node ports means to keep them. */
export function sameNodePort(
  port: { [field: string]: unknown },
  old: ServiceSpec | undefined,
): number | undefined {
  const same = old?.ports?.find(
    (other) => other["port"] === port["port"] && other["protocol"] === port["protocol"],
  );
  return same?.nodePort;
}
