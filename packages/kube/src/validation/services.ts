import { isIP } from "node:net";
import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { cidrErrors, endpointIPErrors, ipErrors } from "./addresses.ts";
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from "./field-error.ts";
import { labelsErrors } from "./metadata.ts";
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from "./names.ts";
import { portErrors } from "./numbers.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
const AFFINITIES = ["ClientIP", "None"];

const [HINTS, MODE] = ["service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"];

/** Two names of one annotation. */
export function topologyErrors(service: JsonObject): FieldError[] {
  const { [HINTS]: hints, [MODE]: mode } = objectAt(objectAt(service, "metadata"), "annotations") ?? {};
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const detail = `must match annotations[${HINTS}] when both are specified`;
  return [invalid(`metadata.annotations[${MODE}]`, mode, detail)];
}

/** What is wrong with a Service's spec, apart from addresses and node ports, which the allocator knows. */
export function serviceErrors(spec: JsonObject): FieldError[] {
  const ports = listAt(spec, "ports").filter(isObject);
  const type = stringAt(spec, "type");
  const headless = spec["clusterIP"] === "None";
  const errors: FieldError[] = [];
  if (ports.length === 0 && !headless && type !== "ExternalName") errors.push(required("spec.ports"));
  if (type === "ExternalName") errors.push(...externalNameErrors(spec));
  errors.push(...servicePortErrors(ports));
  errors.push(...labelsErrors(objectAt(spec, "selector"), "spec.selector"));
  const affinity = stringAt(spec, "sessionAffinity");
  if (affinity === "") errors.push(required("spec.sessionAffinity"));
  else if (!AFFINITIES.includes(affinity))
    errors.push(notSupported("spec.sessionAffinity", affinity, AFFINITIES));
  if (affinity === "ClientIP") errors.push(...affinityErrors(spec));
  const addresses = serviceAddressErrors(spec);
  errors.push(...addresses, ...(addresses.length > 0 ? [] : familyErrors(spec, type)));
  errors.push(...clusterIPErrors(spec, type), ...externalIPErrors(spec));
  if (type === "") errors.push(required("spec.type"));
  else if (!TYPES.includes(type)) errors.push(notSupported("spec.type", type, TYPES));
  errors.push(...nodePortErrors(ports, type), ...repeatedNodePorts(ports), ...repeatedPorts(ports));
  return [...errors, ...balancerErrors(spec, type), ...trafficErrors(spec, type)];
}

/** What an update may not do: take another address, or another class of load balancer. */
export function serviceUpdateErrors(spec: JsonObject, before: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const [now, old] = [listAt(spec, "clusterIPs"), listAt(before, "clusterIPs")];
  const external = [spec, before].some((service) => service["type"] === "ExternalName");
  if (!external && old.length > 0) {
    if (now.length === 0) {
      errors.push(invalid("spec.clusterIPs[0]", now, "primary clusterIP can not be unset"));
    } else if (now[0] !== old[0]) {
      errors.push(invalid("spec.clusterIPs[0]", now, "may not change once set"));
    }
  }
  const balanced = [spec, before].every((service) => service["type"] === "LoadBalancer");
  const name = "loadBalancerClass";
  if (balanced && spec[name] !== before[name]) {
    errors.push(invalid(`spec.${name}`, spec[name] ?? null, "may not change once set"));
  }
  return errors;
}

/** What is wrong with the fields for a Service's own addresses. Upstream looks at them by themselves before it gives any. */
export function serviceAddressErrors(spec: JsonObject): FieldError[] {
  if (spec["type"] === "ExternalName") return [];
  const addresses = listAt(spec, "clusterIPs").map(String);
  const [clusterIP, policy] = [stringAt(spec, "clusterIP"), stringAt(spec, "ipFamilyPolicy")];
  const errors: FieldError[] = [];
  if (clusterIP === "" && addresses.length > 0) {
    errors.push(invalid("spec.clusterIPs", addresses, "must be empty when `clusterIP` is not specified"));
  } else if (clusterIP !== "" && addresses.length > 0 && addresses[0] !== clusterIP) {
    errors.push(invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`"));
  }
  const seen = new Set<string>();
  listAt(spec, "ipFamilies").forEach((family, i) => {
    const [name, at] = [String(family), `spec.ipFamilies[${i}]`];
    if (!FAMILIES.includes(name)) errors.push(notSupported(at, name, FAMILIES));
    if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
  });
  if (policy !== "" && !POLICIES.includes(policy)) {
    errors.push(notSupported("spec.ipFamilyPolicy", policy, POLICIES));
  }
  addresses.forEach((address, i) => {
    if (i > 0 || address !== "None") errors.push(...ipErrors(address, `spec.clusterIPs[${i}]`));
    else if (addresses.length > 1) {
      errors.push(invalid("spec.clusterIPs", addresses, "'None' must be the first and only value"));
    }
  });
  if (errors.length === 0) errors.push(...familyMismatches(spec, addresses));
  if (addresses.length > 2)
    errors.push(invalid("spec.clusterIPs", addresses, "may only hold up to 2 values"));
  return errors;
}

function familyMismatches(spec: JsonObject, addresses: readonly string[]): FieldError[] {
  const families = listAt(spec, "ipFamilies").map(String);
  return addresses.flatMap((address, i) => {
    const family = families[i];
    if (address === "None" || family === undefined) return [];
    const fits = family === "IPv6" ? isIP(address) === 6 : isIP(address) !== 6;
    if (fits) return [];
    const detail = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    return [invalid(`spec.clusterIPs[${i}]`, address, detail)];
  });
}

/** What a load balancer says of itself. */
export function serviceStatusErrors(service: JsonObject): FieldError[] {
  const balanced = objectAt(service, "spec")?.["type"] === "LoadBalancer";
  const ingress = listAt(objectAt(objectAt(service, "status"), "loadBalancer"), "ingress").filter(isObject);
  const path = "status.loadBalancer.ingress";
  if (!balanced && ingress.length > 0) {
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap((entry, i) => {
    const [ip, host, mode] = ["ip", "hostname", "ipMode"].map((field) => stringAt(entry, field));
    const errors = ip ? ipErrors(ip, `${path}[${i}].ip`) : [];
    if (ip && !mode) errors.push(required(`${path}[${i}].ipMode`, "must be specified when `ip` is set"));
    if (!ip && mode) {
      errors.push(forbidden(`${path}[${i}].ipMode`, "may not be specified when `ip` is not set"));
    }
    if (ip && mode && !IP_MODES.includes(mode))
      errors.push(notSupported(`${path}[${i}].ipMode`, mode, IP_MODES));
    if (!host) return errors;
    errors.push(
      ...dns1123SubdomainErrors(host).map((detail) => invalid(`${path}[${i}].hostname`, host, detail)),
    );
    if (isIP(host) !== 0) {
      errors.push(invalid(`${path}[${i}].hostname`, host, "must be a DNS name, not an IP address"));
    }
    return errors;
  });
}

const IP_MODES = ["Proxy", "VIP"];
const FAMILIES = ["IPv4", "IPv6"];
const POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/** There are addresses of one family only, and a Service without a selector leaves the question open. */
function familyErrors(spec: JsonObject, type: string): FieldError[] {
  if (type === "ExternalName") return [];
  const families = listAt(spec, "ipFamilies").map(String);
  const policy = stringAt(spec, "ipFamilyPolicy");
  const errors: FieldError[] = [];
  const unselected =
    spec["clusterIP"] === "None" && Object.keys(objectAt(spec, "selector") ?? {}).length === 0;
  if (policy === "RequireDualStack" && !unselected) {
    errors.push(
      invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services"),
    );
  }
  families.forEach((family, i) => {
    if (family === "IPv6" && families.length === 1) {
      errors.push(invalid(`spec.ipFamilies[${i}]`, family, "not configured on this cluster"));
    }
  });
  if (families.length > 1 && policy === "SingleStack") {
    const detail = "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified";
    errors.push(invalid("spec.ipFamilyPolicy", policy, detail));
  }
  const health = numberAt(spec, "healthCheckNodePort") ?? 0;
  if (health !== 0 && (type !== "LoadBalancer" || spec["externalTrafficPolicy"] !== "Local")) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalid("spec.healthCheckNodePort", health, detail));
  }
  return errors;
}

const MAX_AFFINITY_SECONDS = 86_400;

function affinityErrors(spec: JsonObject): FieldError[] {
  const client = objectAt(objectAt(spec, "sessionAffinityConfig"), "clientIP");
  const seconds = numberAt(client, "timeoutSeconds") ?? 0;
  if (seconds > 0 && seconds <= MAX_AFFINITY_SECONDS) return [];
  const detail = `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`;
  return [invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, detail)];
}

function externalIPErrors(spec: JsonObject): FieldError[] {
  return listAt(spec, "externalIPs")
    .map(String)
    .flatMap((address, i) => {
      const at = `spec.externalIPs[${i}]`;
      const wrong = ipErrors(address, at);
      return wrong.length > 0 ? wrong : endpointIPErrors(address, at);
    });
}

const ONLY_BALANCERS = "may only be used when `type` is 'LoadBalancer'";

function balancerErrors(spec: JsonObject, type: string): FieldError[] {
  const balanced = type === "LoadBalancer";
  const ranges = listAt(spec, "loadBalancerSourceRanges").map((range) => String(range).trim());
  // Upstream's own spelling of the field.
  const at = "spec.LoadBalancerSourceRanges";
  const errors = ranges.length > 0 && !balanced ? [forbidden(at, ONLY_BALANCERS)] : [];
  errors.push(...ranges.flatMap((range, i) => cidrErrors(range, `${at}[${i}]`)));
  if (spec["allocateLoadBalancerNodePorts"] !== undefined && !balanced) {
    errors.push(forbidden("spec.allocateLoadBalancerNodePorts", ONLY_BALANCERS));
  }
  const name = spec["loadBalancerClass"];
  if (typeof name !== "string") return errors;
  if (!balanced) return [...errors, forbidden("spec.loadBalancerClass", ONLY_BALANCERS)];
  const wrong = qualifiedNameErrors(name);
  return [...errors, ...wrong.map((detail) => invalid("spec.loadBalancerClass", name, detail))];
}

const TRAFFIC = ["Cluster", "Local"];
const DISTRIBUTIONS = ["PreferClose", "PreferSameZone", "PreferSameNode"];

function trafficErrors(spec: JsonObject, type: string): FieldError[] {
  const { externalTrafficPolicy: outside, internalTrafficPolicy: inside, trafficDistribution: spread } = spec;
  const exposed = type === "NodePort" || type === "LoadBalancer";
  const reachable = exposed || (type === "ClusterIP" && listAt(spec, "externalIPs").length > 0);
  const errors: FieldError[] = [];
  if (reachable) {
    if (outside === undefined) errors.push(required("spec.externalTrafficPolicy"));
    else if (!TRAFFIC.includes(String(outside))) {
      errors.push(notSupported("spec.externalTrafficPolicy", outside, TRAFFIC));
    }
  } else if (outside !== undefined) {
    const detail = "may only be set for externally-accessible services";
    errors.push(invalid("spec.externalTrafficPolicy", outside, detail));
  }
  if (inside === undefined && TYPES.includes(type) && type !== "ExternalName") {
    errors.push(required("spec.internalTrafficPolicy"));
  } else if (inside !== undefined && !TRAFFIC.includes(String(inside))) {
    errors.push(notSupported("spec.internalTrafficPolicy", inside, TRAFFIC));
  }
  if (spread !== undefined && !DISTRIBUTIONS.includes(String(spread))) {
    errors.push(notSupported("spec.trafficDistribution", spread, DISTRIBUTIONS));
  }
  return errors;
}

function repeatedNodePorts(ports: readonly JsonObject[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, i) => {
    const number = numberAt(port, "nodePort") ?? 0;
    const key = `${stringAt(port, "protocol")}/${number}`;
    if (number === 0 || !seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [invalid(`spec.ports[${i}].nodePort`, number, "provided port is already allocated")];
  });
}

function servicePortErrors(ports: readonly JsonObject[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const errors: FieldError[] = [];
    const name = stringAt(port, "name");
    if (name === "" && ports.length > 1) errors.push(required(`${at}.name`));
    if (name !== "") {
      errors.push(...dns1123LabelErrors(name).map((detail) => invalid(`${at}.name`, name, detail)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    const number = numberAt(port, "port") ?? 0;
    errors.push(...portNumberErrors(number).map((detail) => invalid(`${at}.port`, number, detail)));
    const protocol = stringAt(port, "protocol");
    if (protocol === "") errors.push(required(`${at}.protocol`));
    else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(`${at}.protocol`, protocol, PROTOCOLS));
    errors.push(...portErrors(port["targetPort"], `${at}.targetPort`));
    const app = port["appProtocol"];
    if (typeof app === "string") {
      errors.push(...qualifiedNameErrors(app).map((detail) => invalid(`${at}.appProtocol`, app, detail)));
    }
    return errors;
  });
}

function externalNameErrors(spec: JsonObject): FieldError[] {
  const errors = ["clusterIPs", "ipFamilies", "ipFamilyPolicy"]
    .filter((field) =>
      Array.isArray(spec[field]) ? listAt(spec, field).length > 0 : spec[field] !== undefined,
    )
    .map((field) => forbidden(`spec.${field}`, "may not be set for ExternalName services"));
  // A trailing dot makes a name absolute.
  const name = stringAt(spec, "externalName").replace(/\.$/, "");
  if (name === "") errors.push(required("spec.externalName"));
  else {
    const wrong = dns1123SubdomainErrors(name);
    errors.push(...wrong.map((detail) => invalid("spec.externalName", name, detail)));
  }
  return errors;
}

function clusterIPErrors(spec: JsonObject, type: string): FieldError[] {
  const addresses = listAt(spec, "clusterIPs").map(String);
  if (type === "ExternalName") return [];
  if (addresses[0] === "None" && (type === "NodePort" || type === "LoadBalancer")) {
    return [invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${type} services`)];
  }
  return [];
}

function nodePortErrors(ports: readonly JsonObject[], type: string): FieldError[] {
  if (type !== "ClusterIP") return [];
  return ports.flatMap((port, i) =>
    (numberAt(port, "nodePort") ?? 0) === 0
      ? []
      : [forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")],
  );
}

/** The same port and protocol twice; the value shown is upstream's internal form. */
function repeatedPorts(ports: readonly JsonObject[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, i) => {
    const [Protocol, Port] = [stringAt(port, "protocol"), numberAt(port, "port") ?? 0];
    const key = `${Protocol}/${Port}`;
    if (seen.has(key)) {
      const shown = { Name: "", Protocol, AppProtocol: null, Port, TargetPort: 0, NodePort: 0 };
      return [duplicate(`spec.ports[${i}]`, shown)];
    }
    seen.add(key);
    return [];
  });
}
