import { type FieldError, invalid as invalidField, jsonEqual, type KubeObject } from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";
import { invalid, qualified } from "./refusals.ts";
import type { ServedKind } from "./served-kinds.ts";

const SERVICE = { group: "", kind: "Service" };
/** 10.96.0.0/16: the first address is the API's own, the band below the offset is left for explicit requests. */
const NETWORK = [10, 96] as const;
const IP_COUNT = 65536;
const IP_BAND = 256;
export const FIRST_SERVICE_IP = "10.96.0.1";
const PORT_LOW = 30000;
const PORT_HIGH = 32767;
const PORT_BAND = 86;

export const isServices = (served: ServedKind): boolean => qualified(served) === "services";

interface ServiceSpec {
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

const hasAddress = ({ type }: ServiceSpec): boolean => type !== "ExternalName";
const isExposed = ({ type }: ServiceSpec): boolean => type === "NodePort" || type === "LoadBalancer";
const isReachable = (spec: ServiceSpec): boolean =>
  isExposed(spec) || (spec.type === "ClusterIP" && ((spec["externalIPs"] as unknown[]) ?? []).length > 0);

/** Fields that go when the type no longer has them (third column), had them before (second), and they were left as they were. */
function dropTypeDependent(spec: ServiceSpec, old: ServiceSpec): void {
  const balanced = ({ type }: ServiceSpec): boolean => type === "LoadBalancer";
  const rules: readonly (readonly [readonly string[], (spec: ServiceSpec) => boolean])[] = [
    [["clusterIP", "clusterIPs"], hasAddress],
    [["ipFamilies"], hasAddress],
    [["ipFamilyPolicy"], hasAddress],
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

/**
 * Fills in what a Service is given by the cluster: its address and its node ports. It has been found valid otherwise. What is
 * taken is read from the store each time, so nothing can drift from it.
 */
export function allocateServiceAddresses(
  ctx: ApiContext,
  service: KubeObject,
  before?: KubeObject,
): KubeObject {
  const spec: ServiceSpec = { ...specOf(service) };
  if (!hasAddress(spec)) return service;
  const old = before === undefined ? undefined : specOf(before);
  const others = () => otherServices(ctx, service);
  const wanted = spec.clusterIP || spec.clusterIPs?.[0];
  const clusterIP = wanted === "None" ? "None" : clusterAddress(ctx, service, wanted, old, others);
  spec.clusterIP = clusterIP;
  spec.clusterIPs = [clusterIP];
  spec["ipFamilies"] ??= ["IPv4"];
  spec["ipFamilyPolicy"] ??= "SingleStack";
  const filled = isExposed(spec) ? nodePorts(ctx, service, spec, old, others) : spec;
  return { ...service, spec: filled } as KubeObject;
}

const specOf = (service: KubeObject): ServiceSpec =>
  "spec" in service && typeof service.spec === "object" && service.spec !== null
    ? (service.spec as ServiceSpec)
    : {};

function otherServices({ store }: ApiContext, { metadata }: KubeObject): ServiceSpec[] {
  return store
    .list("services/")
    .map(({ value }) => storedObject(value))
    .filter(
      (other) => other.metadata.name !== metadata.name || other.metadata.namespace !== metadata.namespace,
    )
    .map(specOf);
}

function clusterAddress(
  { random }: ApiContext,
  service: KubeObject,
  wanted: string | undefined,
  old: ServiceSpec | undefined,
  others: () => ServiceSpec[],
): string {
  if (wanted !== undefined && wanted !== "" && wanted === old?.clusterIP) return wanted;
  const taken = new Set(others().map(({ clusterIP }) => clusterIP));
  if (wanted !== undefined && wanted !== "") {
    const index = indexOf(wanted);
    const refuse = (why: string): never => {
      const detail = `failed to allocate IP ${wanted}: ${why}`;
      throw refusal(service, invalidField("spec.clusterIPs", [wanted], detail));
    };
    if (index === undefined) {
      refuse(`the provided IP (${wanted}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`);
    }
    if (taken.has(wanted)) refuse("provided IP is already allocated");
    return wanted;
  }
  const free = firstFree(random, IP_BAND, IP_COUNT - 1, 2, (index) => !taken.has(addressAt(index)));
  if (free === undefined) {
    throw refusal(
      service,
      invalidField("spec.clusterIPs", [], "failed to allocate a serviceIP: range is full"),
    );
  }
  return addressAt(free);
}

const addressAt = (index: number): string => `${NETWORK[0]}.${NETWORK[1]}.${index >> 8}.${index & 255}`;

function indexOf(address: string): number | undefined {
  const match = /^10\.96\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (match === null) return undefined;
  const index = Number(match[1]) * 256 + Number(match[2]);
  return index > 0 && index < IP_COUNT - 1 ? index : undefined;
}

function nodePorts(
  ctx: ApiContext,
  service: KubeObject,
  spec: ServiceSpec,
  old: ServiceSpec | undefined,
  others: () => ServiceSpec[],
): ServiceSpec {
  const own = new Set(portsOf(old ?? {}));
  const taken = new Set(others().flatMap(portsOf));
  const sent = new Set<number>();
  const ports = (spec.ports ?? []).map((port, i) => {
    const field = `spec.ports[${i}].nodePort`;
    const wanted = port.nodePort || sameNodePort(port, old);
    if (wanted !== undefined) {
      const given = port.nodePort ?? wanted;
      if (!own.has(given)) checkPort(service, field, given, taken);
      sent.add(given);
      return { ...port, nodePort: given };
    }
    const free = firstFree(
      ctx.random,
      PORT_LOW + PORT_BAND,
      PORT_HIGH + 1,
      PORT_LOW,
      (candidate) => !taken.has(candidate) && !sent.has(candidate) && !ctx.reservedNodePorts.has(candidate),
    );
    if (free === undefined) {
      throw refusal(service, invalidField(field, 0, "failed to allocate a nodePort: range is full"));
    }
    sent.add(free);
    return { ...port, nodePort: free };
  });
  return { ...spec, ports };
}

const portsOf = ({ ports }: ServiceSpec): number[] =>
  (ports ?? []).flatMap(({ nodePort }) => (nodePort === undefined || nodePort === 0 ? [] : [nodePort]));

/** The port it had: matched by port and protocol, as an update without node ports means to keep them. */
function sameNodePort(port: { [field: string]: unknown }, old: ServiceSpec | undefined): number | undefined {
  const same = old?.ports?.find(
    (other) => other["port"] === port["port"] && other["protocol"] === port["protocol"],
  );
  return same?.nodePort;
}

function checkPort(service: KubeObject, field: string, port: number, taken: ReadonlySet<number>): void {
  if (port < PORT_LOW || port > PORT_HIGH) {
    const why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
    throw refusal(service, invalidField(field, port, why));
  }
  if (taken.has(port))
    throw refusal(service, invalidField(field, port, "provided port is already allocated"));
}

/** A free number in [low, high), beginning at a random one; then in the band from `bandLow` below it. */
function firstFree(
  random: () => number,
  low: number,
  high: number,
  bandLow: number,
  isFree: (candidate: number) => boolean,
): number | undefined {
  const span = high - low;
  const start = Math.floor(random() * span);
  for (let i = 0; i < span; i++) {
    const candidate = low + ((start + i) % span);
    if (isFree(candidate)) return candidate;
  }
  for (let candidate = bandLow; candidate < low; candidate++) if (isFree(candidate)) return candidate;
  return undefined;
}

const refusal = (service: KubeObject, error: FieldError) => invalid(SERVICE, service.metadata.name, [error]);
