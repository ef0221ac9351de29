import { type ConfigMap, type Container, type Pod, parseQuantity, type Secret } from "@tracegate/kube";

/** The objects of the pod's namespace that its environment and volumes refer to. */
export interface ConfigSources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
}

/** What the node knows of a pod beside its object. */
export interface PodFacts {
  readonly podIP: string;
  readonly hostIP: string;
  readonly nodeName: string;
  /** Stands in for limits that a container does not set. */
  readonly allocatable: { readonly cpu: string; readonly memory: string };
}

/** A reference that leads nowhere: the container waits with `CreateContainerConfigError`. */
export class ConfigError extends Error {}

/**
 * A container's environment: the image's, then services', then `envFrom` in order, then `env` in order, later ones over
 * earlier ones. `$(NAME)` in a value sees what comes before it.
 */
export function containerEnvironment(options: {
  pod: Pod;
  container: Container;
  facts: PodFacts;
  sources: ConfigSources;
  imageEnv: Readonly<Record<string, string>>;
  serviceEnv: Readonly<Record<string, string>>;
}): Record<string, string> {
  const { pod, container, facts, sources, imageEnv, serviceEnv } = options;
  const set = new Map<string, string>();
  const lookUp = (name: string) => set.get(name) ?? serviceEnv[name];
  for (const source of container.envFrom ?? []) {
    for (const [name, value] of Object.entries(allKeys(pod, source, sources))) {
      set.set(`${source.prefix ?? ""}${name}`, value);
    }
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) set.set(name, expand(value ?? "", lookUp));
    else {
      const found = referredValue(pod, container, valueFrom, facts, sources);
      if (found !== undefined) set.set(name, found);
    }
  }
  return { ...imageEnv, ...serviceEnv, ...Object.fromEntries(set) };
}

type EnvFrom = NonNullable<Container["envFrom"]>[number];
type ValueFrom = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;

function allKeys(pod: Pod, source: EnvFrom, sources: ConfigSources): Record<string, string> {
  const { configMapRef, secretRef } = source;
  if (configMapRef !== undefined) {
    const found = sources.configMap(configMapRef.name);
    if (found !== undefined) return found.data ?? {};
    if (configMapRef.optional === true) return {};
    throw new ConfigError(`configmap "${configMapRef.name}" not found`);
  }
  if (secretRef !== undefined) {
    const found = sources.secret(secretRef.name);
    if (found !== undefined) return mapValues(found.data ?? {}, fromBase64);
    if (secretRef.optional === true) return {};
    throw new ConfigError(`secret "${secretRef.name}" not found`);
  }
  throw new ConfigError(`envFrom of pod ${pod.metadata.name} names no configMapRef and no secretRef`);
}

function referredValue(
  pod: Pod,
  container: Container,
  from: ValueFrom,
  facts: PodFacts,
  sources: ConfigSources,
): string | undefined {
  const { namespace } = pod.metadata;
  if (from.fieldRef !== undefined) return podField(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined) return resourceField(pod, from.resourceFieldRef, facts, container);
  if (from.configMapKeyRef !== undefined) {
    const { name, key, optional } = from.configMapKeyRef;
    const found = sources.configMap(name);
    const value = found?.data?.[key];
    if (value !== undefined || optional === true) return value;
    if (found === undefined) throw new ConfigError(`configmap "${name}" not found`);
    throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
  }
  if (from.secretKeyRef !== undefined) {
    const { name, key, optional } = from.secretKeyRef;
    const found = sources.secret(name);
    const value = found?.data?.[key];
    if (value !== undefined) return fromBase64(value);
    if (optional === true) return undefined;
    if (found === undefined) throw new ConfigError(`secret "${name}" not found`);
    throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
  }
  throw new ConfigError(`container ${container.name}: env names a valueFrom that this node does not know`);
}

/** A field of the downward API. */
export function podField(pod: Pod, path: string, facts: PodFacts): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null)
    return (keyed[1] === "labels" ? metadata.labels : metadata.annotations)?.[keyed[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "metadata.labels":
      return quotedLines(metadata.labels);
    case "metadata.annotations":
      return quotedLines(metadata.annotations);
    case "spec.nodeName":
      return facts.nodeName;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "default";
    case "status.hostIP":
    case "status.hostIPs":
      return facts.hostIP;
    case "status.podIP":
    case "status.podIPs":
      return facts.podIP;
    default:
      throw new ConfigError(`unsupported fieldPath: ${path}`);
  }
}

const quotedLines = (map: Readonly<Record<string, string>> = {}): string =>
  Object.entries(map)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");

/** `limits.cpu` and its like as a whole number of divisors, rounded up. */
export function resourceField(
  pod: Pod,
  ref: { readonly containerName?: string; readonly resource: string; readonly divisor?: string },
  facts: PodFacts,
  own?: Container,
): string {
  const container =
    ref.containerName === undefined
      ? own
      : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
          ({ name }) => name === ref.containerName,
        );
  if (container === undefined) throw new ConfigError(`container ${ref.containerName ?? ""} not found`);
  const [group, resource = ""] = ref.resource.split(".", 2);
  const { limits, requests } = container.resources ?? {};
  const fallback = resource === "cpu" || resource === "memory" ? facts.allocatable[resource] : "0";
  const value =
    group === "limits"
      ? (limits?.[resource] ?? fallback)
      : (requests?.[resource] ?? limits?.[resource] ?? "0");
  const divisor = parseQuantity(ref.divisor === undefined || ref.divisor === "0" ? "1" : ref.divisor).nanos;
  const nanos = parseQuantity(value).nanos;
  return String((nanos + divisor - 1n) / divisor);
}

/** `$(NAME)` becomes its value where known and stays as it is elsewhere; `$$` is one `$` that begins nothing. */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, _inner, name: string | undefined) =>
    name === undefined ? "$" : (lookUp(name) ?? whole),
  );
}

/** The variables that tell of a service, as Docker links did; headless ones have none. */
export function serviceVariables(
  services: readonly {
    name: string;
    clusterIP: string;
    ports: readonly { name?: string; port: number; protocol: string }[];
  }[],
): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { name, clusterIP, ports } of services) {
    const [first] = ports;
    if (first === undefined) continue;
    const prefix = name.toUpperCase().replaceAll("-", "_");
    variables[`${prefix}_SERVICE_HOST`] = clusterIP;
    variables[`${prefix}_SERVICE_PORT`] = String(first.port);
    variables[`${prefix}_PORT`] = `${first.protocol.toLowerCase()}://${clusterIP}:${first.port}`;
    for (const { name: portName, port, protocol } of ports) {
      if (portName !== undefined && portName !== "") {
        variables[`${prefix}_SERVICE_PORT_${portName.toUpperCase().replaceAll("-", "_")}`] = String(port);
      }
      const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      variables[link] = `${protocol.toLowerCase()}://${clusterIP}:${port}`;
      variables[`${link}_PROTO`] = protocol.toLowerCase();
      variables[`${link}_PORT`] = String(port);
      variables[`${link}_ADDR`] = clusterIP;
    }
  }
  return variables;
}

const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("utf8");

const mapValues = (map: Record<string, string>, change: (value: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
