import { sameJson } from "./compare/three-way-merge.ts";
import { inClusterServer } from "./project.ts";
import type { Application, ApplicationSource, RetryStrategy } from "./types/application.ts";

/** What of an Application's spec cannot be worked with; undefined when all is well. */
export function invalidSpec({ spec }: Application): string | undefined {
  if ((spec.sources?.length ?? 0) > 1)
    return "spec.sources with several sources is not supported: use one source";
  if (spec.sourceHydrator !== undefined) return "spec.sourceHydrator is not supported";
  const source = sourceOf(spec);
  if (
    source === undefined ||
    source.repoURL === "" ||
    (source.path === undefined && source.chart === undefined)
  ) {
    return "spec.source.repoURL and either spec.source.path or spec.source.chart are required";
  }
  const unsupported = unsupportedField(source);
  if (unsupported !== undefined) {
    return `spec.source.${unsupported} is not supported: commit rendered manifests or a kustomization`;
  }
  return invalidDestination(spec.destination);
}

/** Why a destination is none; only the cluster that the controller runs in is one. */
export function invalidDestination({
  server = "",
  name = "",
}: Application["spec"]["destination"]): string | undefined {
  if (server !== "" && name !== "")
    return `application destination can't have both name and server defined: ${name} ${server}`;
  if (name !== "" && name !== "in-cluster") return `there are no clusters with this name: ${name}`;
  if (server === "" && name === "") return "Destination server missing from app spec";
  if (server !== "" && server.replace(/\/$/, "") !== inClusterServer)
    return `error getting cluster by server "${server}": rpc error: code = NotFound desc = cluster "${server}" not found`;
  return undefined;
}

/** The one source of an Application, as upstream writes it: without what is empty, a directory always with `jsonnet`. */
export function sourceOf(spec: Application["spec"]): ApplicationSource | undefined {
  const source = spec.sources?.[0] ?? spec.source;
  if (source === undefined) return undefined;
  const { directory, kustomize, ...plain } = source;
  const filled = withoutEmpty({ ...plain, ...(kustomize && { kustomize: withoutEmpty(kustomize) }) });
  const folder = withoutEmpty({ ...directory });
  return {
    ...filled,
    repoURL: source.repoURL,
    ...(Object.keys(folder).length === 0 ? {} : { directory: { ...folder, jsonnet: folder.jsonnet ?? {} } }),
  };
}

/** How a sync is tried again, as upstream writes it: nothing stands for no retries. */
export const retryOf = ({ limit, ...retry }: RetryStrategy): RetryStrategy =>
  limit === undefined || limit === 0 ? retry : { limit, ...retry };

/** Go leaves fields out that hold nothing. */
const withoutEmpty = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(value).filter(
      ([, field]) =>
        field !== undefined && field !== "" && field !== false && !(isContainer(field) && isBare(field)),
    ),
  ) as Partial<T>; // fields of T, some left out

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;

const isBare = (value: object): boolean => Object.keys(value).length === 0;

/** Whether the namespace's labels and annotations are to be others than those that the last sync gave it. */
export function hasOtherNamespaceMetadata({ spec, status }: Application): boolean {
  const wanted = spec.syncPolicy?.managedNamespaceMetadata;
  const given = status?.operationState?.syncResult;
  return wanted !== undefined && given !== undefined && !sameJson(wanted, given.managedNamespaceMetadata);
}

/** A field of a source that nothing here works with. */
export function unsupportedField(source: ApplicationSource): string | undefined {
  if (source.chart !== undefined && source.chart !== "") return "chart";
  if (source.helm !== undefined) return "helm";
  if (source.plugin !== undefined) return "plugin";
  if (source.directory?.jsonnet !== undefined && JSON.stringify(source.directory.jsonnet) !== "{}")
    return "directory.jsonnet";
  const overlays = source.kustomize as Record<string, unknown> | undefined; // any field may be written there
  return Object.keys(overlays ?? {})
    .filter((field) => !supportedOverlays.has(field))
    .map((field) => `kustomize.${field}`)[0];
}

const supportedOverlays = new Set([
  "namePrefix",
  "nameSuffix",
  "namespace",
  "images",
  "commonLabels",
  "commonAnnotations",
  "forceCommonLabels",
  "forceCommonAnnotations",
  "labelWithoutSelector",
  "labelIncludeTemplates",
  "replicas",
  "patches",
  "components",
]);

/** Whether it is synchronised without being asked to. */
export function isAutomated({ spec }: Application): boolean {
  const automated = spec.syncPolicy?.automated;
  return automated !== undefined && automated.enabled !== false;
}
