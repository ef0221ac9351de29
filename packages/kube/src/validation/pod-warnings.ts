import { isObject, type JsonObject, listAt, numberAt, objectAt, stringAt } from "../json.ts";
import { quote } from "../values/go-text.ts";
import { parseQuantity } from "../values/quantity.ts";
import { addressWarnings } from "./address-warnings.ts";
import { labelValueErrors } from "./names.ts";
import { overlapWarnings } from "./volume-warnings.ts";

/** Warnings about a pod, or about a template at a path, in the order in which upstream looks. */
export function podWarnings(pod: JsonObject, above = ""): string[] {
  const at = (path: string) => (above === "" ? path : `${above}.${path}`);
  const spec = objectAt(pod, "spec") ?? {};
  return [
    ...Object.keys(objectAt(spec, "nodeSelector") ?? {}).flatMap((key) => {
      const instead = deprecatedNodeLabel(key);
      return instead === undefined ? [] : [`${at("spec.nodeSelector")}[${key}]: ${instead}`];
    }),
    ...nodeAffinityWarnings(
      objectAt(objectAt(spec, "affinity"), "nodeAffinity"),
      at("spec.affinity.nodeAffinity"),
    ),
    ...spreadWarnings(spec, at("spec.topologySpreadConstraints")),
    ...annotationWarnings(
      objectAt(objectAt(pod, "metadata"), "annotations") ?? {},
      spec,
      at("metadata.annotations"),
    ),
    ...deprecatedVolumeWarnings(listAt(spec, "volumes").filter(isObject), at("spec.volumes")),
    ...overlapWarnings(listAt(spec, "volumes").filter(isObject)),
    ...aliasWarnings(spec, at("spec.hostAliases")),
    ...pullSecretWarnings(spec, at("spec.imagePullSecrets")),
    ...((numberAt(spec, "terminationGracePeriodSeconds") ?? 0) < 0
      ? [
          `${at("spec.terminationGracePeriodSeconds")}: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...containersOf(spec).flatMap(({ container, path }) => containerWarnings(container, at(path))),
    ...podAffinityWarnings(objectAt(spec, "affinity"), at("spec.affinity")),
    ...portWarnings(spec, at),
    ...addressWarnings(listAt(objectAt(spec, "dnsConfig"), "nameservers"), at("spec.dnsConfig.nameservers")),
  ];
}

/** Labels of nodes that have got other names. */
const NODE_LABELS: Readonly<Record<string, readonly [since: string, instead: string]>> = {
  "beta.kubernetes.io/arch": ["v1.14", "kubernetes.io/arch"],
  "beta.kubernetes.io/os": ["v1.14", "kubernetes.io/os"],
  "failure-domain.beta.kubernetes.io/region": ["v1.17", "topology.kubernetes.io/region"],
  "failure-domain.beta.kubernetes.io/zone": ["v1.17", "topology.kubernetes.io/zone"],
  "beta.kubernetes.io/instance-type": ["v1.17", "node.kubernetes.io/instance-type"],
};

/** What to say of a node's label that has got another name; undefined for others. */
export function deprecatedNodeLabel(key: string): string | undefined {
  const [since, instead] = (Object.hasOwn(NODE_LABELS, key) ? NODE_LABELS[key] : undefined) ?? [];
  return since === undefined ? undefined : `deprecated since ${since}; use "${instead}" instead`;
}

function nodeAffinityWarnings(affinity: JsonObject | undefined, path: string): string[] {
  const wanted = "requiredDuringSchedulingIgnoredDuringExecution";
  const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  return [
    ...nodeSelectorWarnings(objectAt(affinity, wanted), `${path}.${wanted}`),
    ...listAt(affinity, preferred).flatMap((term, i) =>
      nodeTermWarnings(objectAt(term, "preference") ?? {}, `${path}.${preferred}[${i}].preference`),
    ),
  ];
}

/** Of terms that select nodes. */
export const nodeSelectorWarnings = (selector: JsonObject | undefined, path: string): string[] =>
  listAt(selector, "nodeSelectorTerms")
    .filter(isObject)
    .flatMap((term, i) => nodeTermWarnings(term, `${path}.nodeSelectorTerms[${i}]`));

function nodeTermWarnings(term: JsonObject, path: string): string[] {
  return listAt(term, "matchExpressions").flatMap((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const key = stringAt(expression, "key");
    const instead = deprecatedNodeLabel(key);
    const values = listAt(expression, "values").flatMap((value, j) =>
      labelValueErrors(String(value)).map(
        (wrong) => `${at}.values[${j}]: ${String(value)} is invalid, ${wrong}`,
      ),
    );
    return [...(instead === undefined ? [] : [`${at}.key: ${key} is ${instead}`]), ...values];
  });
}

const MATCHES_NOTHING = "a null labelSelector results in matching no pod";

function spreadWarnings(spec: JsonObject, path: string): string[] {
  return listAt(spec, "topologySpreadConstraints")
    .filter(isObject)
    .flatMap((constraint, i) => {
      const key = stringAt(constraint, "topologyKey");
      const instead = deprecatedNodeLabel(key);
      return [
        ...(instead === undefined ? [] : [`${path}[${i}].topologyKey: ${key} is ${instead}`]),
        ...(constraint["labelSelector"] === undefined
          ? [`${path}[${i}].labelSelector: ${MATCHES_NOTHING}`]
          : []),
      ];
    });
}

function podAffinityWarnings(affinity: JsonObject | undefined, path: string): string[] {
  const wanted = "requiredDuringSchedulingIgnoredDuringExecution";
  const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  const warning = (term: JsonObject | undefined, at: string) =>
    term === undefined || term["labelSelector"] === undefined
      ? [`${at}.labelSelector: ${MATCHES_NOTHING}`]
      : [];
  return ["podAffinity", "podAntiAffinity"].flatMap((field) => {
    const own = objectAt(affinity, field);
    return [
      ...listAt(own, wanted)
        .filter(isObject)
        .flatMap((term, i) => warning(term, `${path}.${field}.${wanted}[${i}]`)),
      ...listAt(own, preferred).flatMap((term, i) =>
        warning(objectAt(term, "podAffinityTerm"), `${path}.${field}.${preferred}[${i}].podAffinityTerm`),
      ),
    ];
  });
}

const APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP = "seccomp.security.alpha.kubernetes.io/pod";
const CONTAINER_SECCOMP = "container.seccomp.security.alpha.kubernetes.io/";
const CRITICAL = "scheduler.alpha.kubernetes.io/critical-pod";

function annotationWarnings(annotations: JsonObject, spec: JsonObject, path: string): string[] {
  const seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  const found = (key: string, text: string) =>
    Object.hasOwn(annotations, key) ? [`${path}[${key}]: ${text}`] : [];
  return [
    ...Object.keys(annotations)
      .filter((key) => key.startsWith(APP_ARMOR))
      .map((key) => `${path}[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`),
    ...found(CRITICAL, 'non-functional in v1.16+; use the "priorityClassName" field instead'),
    ...found(SECCOMP, seccomp),
    ...containersOf(spec).flatMap(({ container }) =>
      found(`${CONTAINER_SECCOMP}${stringAt(container, "name")}`, seccomp),
    ),
  ];
}

/** Volumes that no node can mount any more: the field, how upstream names it, and since when. */
const GONE_VOLUMES: readonly (readonly [field: string, shown: string, since: string])[] = [
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

/** What is said of the source of a volume that no node can mount any more. */
export const goneVolumeWarnings = (source: JsonObject, path: string): string[] =>
  GONE_VOLUMES.filter(([field]) => source[field] !== undefined).map(
    ([, shown, since]) => `${path}.${shown}: ${since}`,
  );

function deprecatedVolumeWarnings(volumes: readonly JsonObject[], path: string): string[] {
  return volumes.flatMap((volume, i) => {
    const template = objectAt(objectAt(volume, "ephemeral"), "volumeClaimTemplate");
    const at = `${path}[${i}].ephemeral.volumeClaimTemplate.spec`;
    return [
      ...goneVolumeWarnings(volume, `${path}[${i}]`),
      ...claimSpecWarnings(objectAt(template, "spec"), at),
    ];
  });
}

/** Of what a claim asks for. */
export const claimSpecWarnings = (spec: JsonObject | undefined, path: string): string[] =>
  ["requests", "limits"].flatMap((kind) =>
    fractionWarnings(objectAt(objectAt(spec, "resources"), kind), ["storage"], `${path}.resources.${kind}`),
  );

function aliasWarnings(spec: JsonObject, path: string): string[] {
  const addresses = listAt(spec, "hostAliases").map((alias) => stringAt(alias, "ip"));
  return addresses.flatMap((ip, i) =>
    addresses.indexOf(ip) < i ? [`${path}[${i}].ip: duplicate ip ${quote(ip)}`] : [],
  );
}

function pullSecretWarnings(spec: JsonObject, path: string): string[] {
  const names = listAt(spec, "imagePullSecrets").map((secret) => stringAt(secret, "name"));
  return names.flatMap((name, i) => {
    if (name === "") return [`${path}[${i}].name: invalid empty name ${quote(name)}`];
    return names.indexOf(name) < i ? [`${path}[${i}].name: duplicate name ${quote(name)}`] : [];
  });
}

/** Init containers first, each with its path within the pod. */
const containersOf = (spec: JsonObject): { container: JsonObject; path: string }[] =>
  ["initContainers", "containers"].flatMap((list) =>
    listAt(spec, list).flatMap((container, i) =>
      isObject(container) ? [{ container, path: `spec.${list}[${i}]` }] : [],
    ),
  );

function containerWarnings(container: JsonObject, path: string): string[] {
  const resources = objectAt(container, "resources");
  const names = listAt(container, "env").map((variable) => stringAt(variable, "name"));
  return [
    ...["limits", "requests"].flatMap((kind) =>
      fractionWarnings(
        objectAt(resources, kind),
        ["memory", "ephemeral-storage"],
        `${path}.resources.${kind}`,
      ),
    ),
    ...names.flatMap((name, i) =>
      names.indexOf(name) < i
        ? [
            `${path}.env[${i}]: hides previous definition of ${quote(name)}, which may be dropped when using apply`,
          ]
        : [],
    ),
  ];
}

function fractionWarnings(amounts: JsonObject | undefined, names: readonly string[], path: string): string[] {
  return names.flatMap((name) => {
    const value = amounts?.[name];
    if (value === undefined || parseQuantity(String(value)).nanos % 1_000_000_000n === 0n) return [];
    return [`${path}[${name}]: fractional byte value ${quote(String(value))} is invalid, must be an integer`];
  });
}

/** Ports that stand for the same port of the pod, of whatever container. */
function portWarnings(spec: JsonObject, at: (path: string) => string): string[] {
  const seen = new Map<string, { path: string; host: number; ip: string }[]>();
  const warnings: string[] = [];
  for (const { container, path } of containersOf(spec)) {
    listAt(container, "ports")
      .filter(isObject)
      .forEach((port, i) => {
        const own = {
          path: at(`${path}.ports[${i}]`),
          host: numberAt(port, "hostPort") ?? 0,
          ip: stringAt(port, "hostIP"),
        };
        if (own.ip !== "" && own.host === 0) {
          warnings.push(`${own.path}: hostIP set without hostPort: ${goPort(port)}`);
        }
        const key = `${port["containerPort"]}/${port["protocol"]}`;
        const others = seen.get(key) ?? [];
        for (const other of others) {
          if (own.ip === other.ip && own.host === other.host) {
            warnings.push(`${own.path}: duplicate port definition with ${other.path}`);
          } else if (own.host === 0 || other.host === 0) {
            warnings.push(`${own.path}: overlapping port definition with ${other.path}`);
          } else if (own.host === other.host && (own.ip === "") !== (other.ip === "")) {
            warnings.push(`${own.path}: dangerously ambiguous port definition with ${other.path}`);
          }
        }
        seen.set(key, [...others, own]);
      });
  }
  return warnings;
}

/** A port as `%+v` prints upstream's internal type. */
const goPort = (port: JsonObject): string =>
  `{Name:${stringAt(port, "name")} HostPort:${numberAt(port, "hostPort") ?? 0} ContainerPort:${numberAt(port, "containerPort") ?? 0} ` +
  `Protocol:${stringAt(port, "protocol")} HostIP:${stringAt(port, "hostIP")}}`;
