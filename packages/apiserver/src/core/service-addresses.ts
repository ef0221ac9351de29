import { isIPv6 } from "node:net";
import {
  type FieldError,
  invalid as invalidField,
  type JsonObject,
  type KubeObject,
  serviceAddressErrors,
} from "@tracegate/kube";
import type { ApiContext } from "./context.ts";
import { storedObject } from "./reading.ts";
import { invalid } from "./refusals.ts";
import { hasAddress, isExposed, portsOf, type ServiceSpec, sameNodePort, specOf } from "./service-form.ts";

const SERVICE = { group: "", kind: "Service" };
/** 10.96.0.0/16: the first address is the API's own, the band below the offset is left for explicit requests. */
const NETWORK = [10, 96] as const;
const IP_COUNT = 65536;
const IP_BAND = 256;
export const FIRST_SERVICE_IP = "10.96.0.1";
const PORT_LOW = 30000;
const PORT_HIGH = 32767;
const PORT_BAND = 86;

/**
 * Fills in what a Service is given by the cluster: its address and its node ports. It has been found valid otherwise. What is
 * taken is read from the store each time, so nothing can drift from it.
 */
export function allocateServiceAddresses(
  ctx: ApiContext,
  service: KubeObject,
  { before, dryRun = false }: { readonly before?: KubeObject; readonly dryRun?: boolean } = {},
): KubeObject {
  const spec: ServiceSpec = { ...specOf(service) };
  if (!hasAddress(spec)) return service;
  const old = before === undefined ? undefined : specOf(before);
  // What is only tried takes nothing away from anyone.
  const others = () => (dryRun ? [] : otherServices(ctx, service));
  const wanted = spec.clusterIP || spec.clusterIPs?.[0];
  if (before === undefined) checkWanted(service, spec);
  const clusterIP = wanted === "None" ? "None" : clusterAddress(ctx, service, wanted, old, others);
  spec.clusterIP = clusterIP;
  spec.clusterIPs = [clusterIP];
  if (before === undefined && clusterIP === "None" && Object.keys(spec["selector"] ?? {}).length === 0)
    openFamilies(spec);
  spec["ipFamilies"] ??= ["IPv4"];
  spec["ipFamilyPolicy"] ??= "SingleStack";
  const filled = isExposed(spec) ? nodePorts(ctx, service, spec, old, others, dryRun) : spec;
  return { ...service, spec: filled } as KubeObject;
}

/** Whoever gives a headless Service its endpoints by hand may use addresses of both families. */
function openFamilies(spec: ServiceSpec): void {
  spec["ipFamilyPolicy"] ??= "RequireDualStack";
  const families = (spec["ipFamilies"] as string[] | undefined) ?? ["IPv4"];
  const other = families[0] === "IPv6" ? "IPv4" : "IPv6";
  const single = spec["ipFamilyPolicy"] === "SingleStack" || families.length > 1;
  spec["ipFamilies"] = single ? families : [...families, other];
}

/** An address that is none, or not of this cluster, is refused before any is given. */
function checkWanted(service: KubeObject, spec: ServiceSpec): void {
  const wrong = serviceAddressErrors(spec as JsonObject);
  if (wrong.length > 0) throw invalid(SERVICE, service.metadata.name, wrong);
  const wanted = spec.clusterIP || spec.clusterIPs?.[0] || "None";
  if (isIPv6(wanted)) {
    throw refusal(
      service,
      invalidField("spec.clusterIPs[0]", [wanted], "IPv6 is not configured on this cluster"),
    );
  }
}

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
  dryRun: boolean,
): ServiceSpec {
  const own = new Set(portsOf(old ?? {}));
  const taken = new Set(others().flatMap(portsOf));
  const sent = new Set<number>();
  const ports = (spec.ports ?? []).map((port, i) => {
    const field = `spec.ports[${i}].nodePort`;
    const wanted = port.nodePort || sameNodePort(port, old);
    if (wanted !== undefined) {
      const given = port.nodePort ?? wanted;
      if (!own.has(given) && !dryRun) checkPort(service, field, given, taken);
      sent.add(given);
      return { ...port, nodePort: given };
    }
    if (spec["allocateLoadBalancerNodePorts"] === false && spec["type"] === "LoadBalancer") return port;
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
