import { join } from "node:path";
import { type Container, type Pod, parseQuantity, quantityCeil } from "@tracegate/kube";
import { commandLine, type ResolvedImage } from "../image-catalogue.ts";
import { clusterDomain, dnsAddress } from "../network/addresses.ts";
import type { ContainerProcessSpec, Enforcement, PodSandboxSpec } from "../sandbox.ts";
import { expand } from "./environment.ts";
import { volumeKind } from "./volume-plan.ts";

/** What a pod may write into its containers' roots and in-memory volumes. */
const podMemoryBytes = 1024 ** 3;

/** The pod's directory in the state directory, named as a node names it under /var/log/pods. */
export const podDirectory = (stateDir: string, pod: Pick<Pod, "metadata">): string =>
  join(stateDir, "pods", `${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`);

export const logFile = (
  stateDir: string,
  pod: Pick<Pod, "metadata">,
  container: string,
  attempt: number,
): string => join(podDirectory(stateDir, pod), container, `${attempt}.log`);

export function hostnameOf({ spec, metadata }: Pod): string {
  return (spec.hostname ?? metadata.name).slice(0, 63).replace(/[-.]+$/, "");
}

export function podSandboxSpec(pod: Pod, stateDir: string): PodSandboxSpec {
  const memoryVolumes: string[] = [];
  const diskVolumes: Record<string, string> = {};
  for (const volume of pod.spec.volumes ?? []) {
    if (volumeKind(volume) === "disk")
      diskVolumes[volume.name] = join(podDirectory(stateDir, pod), "volumes", volume.name);
    else memoryVolumes.push(volume.name);
  }
  return {
    uid: pod.metadata.uid ?? "",
    namespace: pod.metadata.namespace ?? "default",
    name: pod.metadata.name,
    hostname: hostnameOf(pod),
    hosts: hostsFile(pod),
    resolvConf: resolvConf(pod),
    memoryVolumes,
    diskVolumes,
    ports: Object.fromEntries(
      [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name, ports = [] }) => [
        name,
        ports.filter(({ protocol = "TCP" }) => protocol === "TCP").map(({ containerPort }) => containerPort),
      ]),
    ),
    memoryBytes: podMemoryBytes,
  };
}

function hostsFile(pod: Pod): string {
  const host = hostnameOf(pod);
  const { subdomain, hostAliases = [] } = pod.spec;
  const own =
    subdomain === undefined
      ? host
      : `${host}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}\t${host}`;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`);
  return [
    "# Kubernetes-managed hosts file.\n",
    "127.0.0.1\tlocalhost\n",
    "::1\tlocalhost ip6-localhost ip6-loopback\n",
    `{ip}\t${own}\n`,
    ...(aliases.length > 0 ? ["\n# Entries added by HostAliases.\n", ...aliases] : []),
  ].join("");
}

/** Every policy but `None` asks the cluster's DNS: there is no other that a pod could reach. */
function resolvConf({ metadata, spec }: Pod): string {
  const isNone = spec.dnsPolicy === "None";
  const domain = `svc.${clusterDomain}`;
  const nameservers = [...(isNone ? [] : [dnsAddress]), ...(spec.dnsConfig?.nameservers ?? [])];
  const searches = [
    ...(isNone ? [] : [`${metadata.namespace}.${domain}`, domain, clusterDomain]),
    ...(spec.dnsConfig?.searches ?? []),
  ];
  const options = new Map<string, string | undefined>(isNone ? [] : [["ndots", "5"]]);
  for (const { name, value } of spec.dnsConfig?.options ?? [])
    if (name !== undefined) options.set(name, value);
  const optionWords = [...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`));
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}\n`] : []),
    ...nameservers.map((address) => `nameserver ${address}\n`),
    ...(optionWords.length > 0 ? [`options ${optionWords.join(" ")}\n`] : []),
  ].join("");
}

/** What a container keeps without asking: the set that container engines start with. */
const defaultCapabilities = [
  ...[
    "audit_write",
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "mknod",
    "net_bind_service",
    "net_raw",
  ],
  ...["setfcap", "setgid", "setpcap", "setuid", "sys_chroot"],
];

/** Of a pod or of a container: neither has all of these. */
interface SecurityContext {
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly readOnlyRootFilesystem?: boolean;
  readonly privileged?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly fsGroup?: number;
  readonly seccompProfile?: { readonly type: string };
  readonly appArmorProfile?: { readonly type: string };
  readonly seLinuxOptions?: object;
  readonly sysctls?: readonly object[];
  readonly procMount?: string;
}

/** Validated by the API server. */
const securityOf = (holder: { securityContext?: Record<string, unknown> }): SecurityContext =>
  holder.securityContext ?? {};

/** What may be asked for besides: others reach further than the pod, or nowhere from a user namespace. */
const grantedOnRequest = ["sys_ptrace"];

const capabilityName = (text: string) => text.toLowerCase().replace(/^cap_/, "");

function capabilitiesOf(container: Container): string[] {
  const { add = [], drop = [] } = securityOf(container).capabilities ?? {};
  const dropped = drop.map(capabilityName);
  const kept = dropped.includes("all") ? [] : defaultCapabilities.filter((known) => !dropped.includes(known));
  const added = add
    .map(capabilityName)
    .flatMap((name) => (name === "all" ? defaultCapabilities : isGranted(name) ? [name] : []));
  return [...new Set([...kept, ...added])];
}

const isGranted = (name: string): boolean =>
  defaultCapabilities.includes(name) || grantedOnRequest.includes(name);

export function containerProcessSpec(options: {
  pod: Pod;
  container: Container;
  attempt: number;
  image: ResolvedImage;
  env: Record<string, string>;
  stateDir: string;
}): ContainerProcessSpec {
  const { pod, container, attempt, image, env, stateDir } = options;
  const expanded = (text: string) => expand(text, (name) => env[name]);
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const { limits = {}, requests = {} } = container.resources ?? {};
  const memoryLimitBytes = atLeastOne(quantityCeil(limits["memory"] ?? "0"));
  const cpuLimitMillis = atLeastOne(cpuMillis(limits["cpu"]));
  // A limit without a request is the request, too.
  const cpuRequestMillis = atLeastOne(cpuMillis(requests["cpu"])) ?? cpuLimitMillis;
  return {
    podUid: pod.metadata.uid ?? "",
    name: container.name,
    attempt,
    command: commandLine(image, {
      command: (container.command ?? []).map(expanded),
      args: (container.args ?? []).map(expanded),
    }).slice(),
    env,
    workingDir: container.workingDir ?? image.workingDir,
    volumeMounts: (container.volumeMounts ?? []).map(
      ({ name, mountPath, subPath, subPathExpr, readOnly }) => {
        const volume = volumes.get(name);
        const path = subPathExpr === undefined ? subPath : expanded(subPathExpr);
        return {
          volume: name,
          mountPath,
          ...(path === undefined || path === "" ? {} : { subPath: path }),
          readOnly: readOnly === true || (volume !== undefined && volumeKind(volume) === "files"),
        };
      },
    ),
    binds: image.binds.map(({ source, target }) => ({ source, target })),
    readOnlyRoot: securityOf(container).readOnlyRootFilesystem === true,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    capabilities: capabilitiesOf(container),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(cpuLimitMillis === undefined ? {} : { cpuLimitMillis }),
    ...(cpuRequestMillis === undefined ? {} : { cpuRequestMillis }),
    logFile: logFile(stateDir, pod, container.name, attempt),
    terminationMessagePath: container.terminationMessagePath ?? "/dev/termination-log",
  };
}

/** A limit of 0 is none, as it is to a container runtime. */
const atLeastOne = (amount: number): number | undefined => (amount > 0 ? amount : undefined);

const cpuMillis = (quantity = "0"): number => Math.ceil(Number(parseQuantity(quantity).nanos) / 1e6);

/** What a manifest asks for and this node does not do; told in an event, never silently dropped. */
export function notApplied(pod: Pod, enforcement: Enforcement): string[] {
  const { spec } = pod;
  const fields = [
    ...hostNamespaces.filter(({ name }) => spec[name] === true).map(({ name, why }) => `${name} (${why})`),
    ...(spec.shareProcessNamespace === true ? ["shareProcessNamespace"] : []),
    ...ignoredSecurity("", securityOf(spec)),
  ];
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const at = `containers{${container.name}}.`;
    fields.push(...ignoredSecurity(at, securityOf(container)));
    if (container.ports?.some(({ hostPort }) => hostPort !== undefined && hostPort !== 0))
      fields.push(`${at}ports.hostPort`);
    for (const resource of Object.keys(container.resources?.limits ?? {}))
      if (resource !== "memory" && !(resource === "cpu" && enforcement.cpu))
        fields.push(`${at}resources.limits.${resource}`);
  }
  return fields;
}

const hostNamespaces = [
  { name: "hostNetwork", why: "the pod has a network of its own" },
  { name: "hostPID", why: "the pod sees its own processes only" },
  { name: "hostIPC", why: "the pod has an IPC namespace of its own" },
] as const;

const onlyRoot = "only uid 0 exists in the node's user namespace: it is your own user outside";

function ignoredSecurity(at: string, security: SecurityContext): string[] {
  const fields: string[] = [];
  const ignore = (field: string, why?: string) =>
    fields.push(`${at}securityContext.${field}${why === undefined ? "" : ` (${why})`}`);
  if ((security.runAsUser ?? 0) !== 0) ignore("runAsUser", onlyRoot);
  if ((security.runAsGroup ?? 0) !== 0) ignore("runAsGroup", onlyRoot);
  if ((security.fsGroup ?? 0) !== 0) ignore("fsGroup", onlyRoot);
  if (security.runAsNonRoot === true) ignore("runAsNonRoot", onlyRoot);
  if (security.privileged === true) ignore("privileged", "the container stays as isolated as others");
  for (const name of security.capabilities?.add ?? [])
    if (capabilityName(name) !== "all" && !isGranted(capabilityName(name)))
      ignore(`capabilities.add ${name}`, "it is not given to pods here");
  for (const name of ["seLinuxOptions", "sysctls", "procMount"] as const)
    if (security[name] !== undefined) ignore(name);
  for (const name of ["seccompProfile", "appArmorProfile"] as const)
    if (security[name] !== undefined && security[name].type !== "Unconfined") ignore(name);
  return fields;
}
