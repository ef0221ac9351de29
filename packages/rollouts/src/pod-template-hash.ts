import {
  apiVersionOf,
  builtInType,
  goJson,
  type JsonObject,
  type PodTemplateSpec,
  ReplicaSet,
  withBuiltInDefaults,
} from "@tracegate/kube";
import type { CanaryStep } from "./types.ts";

/**
 * Go's encoding of the structs that are hashed: fields in the order of their declaration, zero values left out. Objects
 * without a table here keep their own order, sorted by name, so that a hash never depends on how a manifest was written.
 */
interface Shape {
  /** Declared order; a value says what the field holds. */
  readonly fields: Readonly<Record<string, Shape | "any" | "always" | "number">>;
}

const leaf = "any" as const;
const fields = (names: string, nested: Record<string, Shape | "any" | "always" | "number"> = {}): Shape => ({
  fields: Object.fromEntries(names.split(" ").map((name) => [name, nested[name] ?? leaf])),
});
const shape = (names: string): Shape => fields(names);

// `number` marks pointers: an explicit zero is kept there.
const keyRef = fields("name key optional", { optional: "number" });
const env = fields("name value valueFrom", {
  valueFrom: fields("fieldRef resourceFieldRef configMapKeyRef secretKeyRef", {
    fieldRef: shape("apiVersion fieldPath"),
    resourceFieldRef: shape("containerName resource divisor"),
    configMapKeyRef: keyRef,
    secretKeyRef: keyRef,
  }),
});
const reference = fields("name optional", { optional: "number" });
const handler = {
  exec: shape("command"),
  httpGet: fields("path port host scheme httpHeaders", { port: "always", httpHeaders: shape("name value") }),
  tcpSocket: fields("port host", { port: "always" }),
};
const probe = fields(
  "exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds",
  {
    ...handler,
    grpc: fields("port service", { service: "number" }),
    terminationGracePeriodSeconds: "number",
  },
);
const hook = fields("exec httpGet tcpSocket sleep", { ...handler, sleep: shape("seconds") });
const seLinux = shape("user role type level");
const windows = fields("gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess", {
  hostProcess: "number",
});
const profile = shape("type localhostProfile");
const flags = (names: string): Record<string, "number"> =>
  Object.fromEntries(names.split(" ").map((name) => [name, "number" as const]));
const containerSecurity = fields(
  "capabilities privileged seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount seccompProfile appArmorProfile",
  {
    ...flags("privileged runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation"),
    capabilities: shape("add drop"),
    seLinuxOptions: seLinux,
    windowsOptions: windows,
    seccompProfile: profile,
    appArmorProfile: profile,
  },
);
const podSecurity = fields(
  "seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup sysctls fsGroupChangePolicy seccompProfile appArmorProfile seLinuxChangePolicy",
  {
    ...flags("runAsUser runAsGroup runAsNonRoot fsGroup"),
    seLinuxOptions: seLinux,
    windowsOptions: windows,
    sysctls: shape("name value"),
    seccompProfile: profile,
    appArmorProfile: profile,
  },
);
const container = fields(
  "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty",
  {
    ports: shape("name hostPort containerPort protocol hostIP"),
    envFrom: fields("prefix configMapRef secretRef", { configMapRef: reference, secretRef: reference }),
    env,
    resources: "always",
    volumeMounts: fields("name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr"),
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    lifecycle: fields("postStart preStop stopSignal", { postStart: hook, preStop: hook }),
    securityContext: containerSecurity,
  },
);
const keyToPath = fields("key path mode", { mode: "number" });
const volume = fields(
  "name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume quobyte azureDisk photonPersistentDisk projected portworxVolume scaleIO storageos csi ephemeral image",
  {
    hostPath: shape("path type"),
    emptyDir: shape("medium sizeLimit"),
    secret: fields("secretName items defaultMode optional", {
      items: keyToPath,
      defaultMode: "number",
      optional: "number",
    }),
    configMap: fields("name items defaultMode optional", {
      items: keyToPath,
      defaultMode: "number",
      optional: "number",
    }),
    persistentVolumeClaim: shape("claimName readOnly"),
  },
);
const podSpec = fields(
  "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os hostUsers schedulingGates resourceClaims resources hostnameOverride",
  {
    volumes: volume,
    initContainers: container,
    containers: container,
    terminationGracePeriodSeconds: "number",
    activeDeadlineSeconds: "number",
    automountServiceAccountToken: "number",
    shareProcessNamespace: "number",
    securityContext: podSecurity,
    priority: "number",
    enableServiceLinks: "number",
    tolerations: fields("key operator value effect tolerationSeconds", { tolerationSeconds: "number" }),
  },
);
const podTemplate: Shape = {
  fields: {
    metadata: {
      fields: {
        name: leaf,
        generateName: leaf,
        namespace: leaf,
        labels: leaf,
        annotations: leaf,
        finalizers: leaf,
      },
    },
    spec: podSpec,
  },
};
const analysisArg = fields("name value valueFrom", {
  valueFrom: fields("podTemplateHashValue fieldRef", { fieldRef: shape("fieldPath") }),
});
const analysis = fields("templates args dryRun measurementRetention analysisRunMetadata", {
  templates: fields("templateName clusterScope", { clusterScope: "number" }),
  args: analysisArg,
  dryRun: shape("metricName"),
  measurementRetention: shape("metricName limit"),
  analysisRunMetadata: shape("labels annotations"),
});
const step = fields(
  "setWeight pause experiment analysis setCanaryScale setHeaderRoute setMirrorRoute plugin",
  {
    setWeight: "number",
    pause: fields("duration", { duration: "number" }),
    experiment: fields("templates duration progressDeadlineSeconds analyses analysisRunMetadata", {
      templates: "always",
      analysisRunMetadata: "always",
    }),
    analysis,
    setCanaryScale: fields("weight replicas matchTrafficWeight", { weight: "number", replicas: "number" }),
  },
);

const isZero = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

function ordered(value: unknown, known?: Shape | "any" | "always" | "number"): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item, known));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (typeof known !== "object")
    return Object.fromEntries(
      entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, ordered(item)]),
    );
  const given = new Map(entries);
  const names = [
    ...Object.keys(known.fields),
    ...entries
      .map(([key]) => key)
      .filter((key) => !(key in known.fields))
      .sort(),
  ];
  const result: Record<string, unknown> = {};
  for (const name of names) {
    const rule = known.fields[name];
    const item = given.get(name);
    if (rule === "always") result[name] = ordered(item ?? {}, rule);
    else if (
      rule === "number" ? item !== undefined && item !== null : !isZero(item) && !isEmptyMap(item, rule)
    )
      result[name] = ordered(item, rule);
  }
  return result;
}

/** Maps (labels, annotations) are left out when empty; structs behind pointers are not. */
const isEmptyMap = (value: unknown, rule: Shape | "any" | "always" | "number" | undefined): boolean =>
  rule === undefined && typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** 32-bit FNV-1a. */
export function fnv1a(bytes: Uint8Array, start = 0x811c9dc5): number {
  let hash = start;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** A number in characters that spell no words. */
export const safeEncode = (text: string): string =>
  Array.from(text, (char) => alphabet.charAt(char.charCodeAt(0) % alphabet.length)).join("");

/** The label value that a pod template gets; `collisionCount` moves it away from a taken name. */
export function podTemplateHash(template: PodTemplateSpec, collisionCount?: number): string {
  const { metadata = {}, spec } = template;
  let hash = fnv1a(Buffer.from(goJson(ordered({ metadata, spec: withProtocols(spec) }, podTemplate))));
  if (collisionCount !== undefined) {
    const salt = Buffer.alloc(8);
    salt.writeUInt32LE(collisionCount);
    hash = fnv1a(salt, hash);
  }
  return safeEncode(String(hash));
}

/** The API writes down what protocol a port speaks before anyone hashes it. */
function withProtocols(spec: PodTemplateSpec["spec"]): PodTemplateSpec["spec"] {
  const defaulted = <T extends object>(containers: readonly T[]): T[] =>
    containers.map((container) => {
      const ports = "ports" in container && Array.isArray(container.ports) ? container.ports : [];
      return ports.length === 0
        ? container
        : { ...container, ports: ports.map((port: object) => ({ protocol: "TCP", ...port })) };
    });
  return {
    ...spec,
    containers: defaulted(spec.containers),
    ...(spec.initContainers === undefined ? {} : { initContainers: defaulted(spec.initContainers) }),
  };
}

/** Tells whether the steps of a canary changed. */
export const stepsHash = (steps: readonly CanaryStep[] | undefined): string => {
  const encoded =
    steps === undefined || steps.length === 0 ? "null" : goJson(steps.map((item) => orderedStep(item)));
  return safeEncode(String(fnv1a(Buffer.from(encoded))));
};

/** A step's payload is a pointer: present even when empty, absent otherwise. */
function orderedStep(item: CanaryStep): unknown {
  const result = ordered(item, step) as Record<string, unknown>; // an object stays one
  return Object.fromEntries(Object.entries(result).filter(([key]) => Object.hasOwn(item, key)));
}

/** Templates compared as the ReplicaSet lookup does: by content, without the hash label. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec, ignoredLabel: string): boolean {
  const bare = (template: PodTemplateSpec): string => {
    const { [ignoredLabel]: _, ...labels } = template.metadata?.labels ?? {};
    return goJson(
      ordered(withDefaults({ ...template, metadata: { ...template.metadata, labels } }), podTemplate),
    );
  };
  return bare(a) === bare(b);
}

/** A template as the API stores it in a ReplicaSet, so that writing its defaults out makes no new version. */
function withDefaults(template: PodTemplateSpec): PodTemplateSpec {
  const type = builtInType(apiVersionOf(ReplicaSet), ReplicaSet.kind);
  if (type === undefined) throw new Error("the kind ReplicaSet is not known");
  const holder = withBuiltInDefaults(type, {
    spec: { template: structuredClone(template) as object },
  } as JsonObject);
  return (holder as unknown as ReplicaSet).spec.template; // defaults were added, nothing else
}
