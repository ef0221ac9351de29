import type { ConfigMap, DownwardApiFile, KeyToPath, Pod, Secret, Volume } from "@tracegate/kube";
import type { VolumeFile } from "../sandbox.ts";
import { ConfigError, type ConfigSources, type PodFacts, podField, resourceField } from "./environment.ts";

const defaultMode = 0o644;

export type VolumeKind = "files" | "memory" | "disk";

/** How the node provides a volume; throws `ConfigError` for those it does not. */
export function volumeKind(volume: Volume): VolumeKind {
  if (volume.emptyDir !== undefined) return volume.emptyDir.medium === "Memory" ? "memory" : "disk";
  if (volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected) return "files";
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "none";
  throw new ConfigError(
    `volume type ${kind} is not available on this node (it has configMap, secret, downwardAPI, projected and emptyDir)`,
  );
}

/** Hands out a service account's token; absent where the API issues none. */
export type TokenSource = (request: {
  namespace: string;
  serviceAccount: string;
  audience?: string;
  expirationSeconds: number;
  pod: Pod;
}) => Promise<string>;

/** The files of a configMap, secret, downwardAPI or projected volume at this moment. */
export async function volumeFiles(
  pod: Pod,
  volume: Volume,
  facts: PodFacts,
  sources: ConfigSources,
  tokens: TokenSource | undefined,
): Promise<VolumeFile[]> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const own = (source: { defaultMode?: number }) => source.defaultMode ?? defaultMode;
  if (configMap !== undefined) return configMapFiles(configMap, sources, own(configMap));
  if (secret !== undefined) return secretFiles({ ...secret, name: secret.secretName }, sources, own(secret));
  if (downwardAPI !== undefined) return downwardFiles(pod, downwardAPI.items, facts, own(downwardAPI));
  if (projected === undefined) return [];
  const mode = own(projected);
  const files: VolumeFile[] = [];
  for (const source of projected.sources ?? []) {
    if (source.configMap !== undefined) files.push(...configMapFiles(source.configMap, sources, mode));
    else if (source.secret !== undefined) files.push(...secretFiles(source.secret, sources, mode));
    else if (source.downwardAPI !== undefined)
      files.push(...downwardFiles(pod, source.downwardAPI.items, facts, mode));
    else if (source.serviceAccountToken !== undefined) {
      if (tokens === undefined) throw new ConfigError("service account tokens are not issued on this node");
      const { audience, expirationSeconds = 3600, path } = source.serviceAccountToken;
      const token = await tokens({
        namespace: pod.metadata.namespace ?? "default",
        serviceAccount: pod.spec.serviceAccountName ?? "default",
        ...(audience === undefined ? {} : { audience }),
        expirationSeconds,
        pod,
      });
      files.push(textFile(path, token, mode));
    } else
      throw new ConfigError(`projected volume "${volume.name}" names a source that this node does not know`);
  }
  return files;
}

interface KeyedSource {
  readonly name: string;
  readonly items?: KeyToPath[];
  readonly optional?: boolean;
}

function configMapFiles(source: KeyedSource, sources: ConfigSources, mode: number): VolumeFile[] {
  const found: ConfigMap | undefined = sources.configMap(source.name);
  if (found === undefined && source.optional !== true)
    throw new ConfigError(`configmap "${source.name}" not found`);
  const data = new Map<string, string>(Object.entries(found?.binaryData ?? {}));
  for (const [key, text] of Object.entries(found?.data ?? {}))
    data.set(key, Buffer.from(text).toString("base64"));
  return pick(data, source, mode, `configmap references non-existent config key: `);
}

function secretFiles(source: KeyedSource, sources: ConfigSources, mode: number): VolumeFile[] {
  const found: Secret | undefined = sources.secret(source.name);
  if (found === undefined && source.optional !== true)
    throw new ConfigError(`secret "${source.name}" not found`);
  return pick(
    new Map(Object.entries(found?.data ?? {})),
    source,
    mode,
    `references non-existent secret key: `,
  );
}

function pick(
  data: ReadonlyMap<string, string>,
  source: KeyedSource,
  mode: number,
  missing: string,
): VolumeFile[] {
  if (source.items === undefined) return [...data].map(([path, content]) => ({ path, content, mode }));
  return source.items.flatMap((item) => {
    const content = data.get(item.key);
    if (content !== undefined) return [{ path: item.path, content, mode: item.mode ?? mode }];
    if (source.optional === true) return [];
    throw new ConfigError(`${missing}${item.key}`);
  });
}

function downwardFiles(pod: Pod, items: DownwardApiFile[] = [], facts: PodFacts, mode: number): VolumeFile[] {
  return items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
    if (fieldRef !== undefined) return textFile(path, podField(pod, fieldRef.fieldPath, facts), own ?? mode);
    if (resourceFieldRef !== undefined)
      return textFile(path, resourceField(pod, resourceFieldRef, facts), own ?? mode);
    throw new ConfigError(`downwardAPI item "${path}" names no field`);
  });
}

const textFile = (path: string, text: string, mode: number): VolumeFile => ({
  path,
  content: Buffer.from(text).toString("base64"),
  mode,
});

/** Names of ConfigMaps and Secrets that a pod refers to, to know whom a change concerns. */
export function referredConfig(pod: Pod): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    if (configMap !== undefined) configMaps.add(configMap.name);
    if (secret !== undefined) secrets.add(secret.secretName);
    for (const source of projected?.sources ?? []) {
      if (source.configMap !== undefined) configMaps.add(source.configMap.name);
      if (source.secret !== undefined) secrets.add(source.secret.name);
    }
  }
  for (const { env = [], envFrom = [] } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    for (const { configMapRef, secretRef } of envFrom) {
      if (configMapRef !== undefined) configMaps.add(configMapRef.name);
      if (secretRef !== undefined) secrets.add(secretRef.name);
    }
    for (const { valueFrom } of env) {
      if (valueFrom?.configMapKeyRef !== undefined) configMaps.add(valueFrom.configMapKeyRef.name);
      if (valueFrom?.secretKeyRef !== undefined) secrets.add(valueFrom.secretKeyRef.name);
    }
  }
  return { configMaps, secrets };
}
