import type { Kind, ResourceClient } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { getOrUndefined } from "./apply.ts";
import { discoverKinds } from "./kinds.ts";
import { groupOf, keyOf, keyText, type Manifest, versionOf } from "./manifest.ts";
import { kindRefusal } from "./project.ts";
import { isHook } from "./sync/hooks.ts";
import { optionOf, type SyncOptions } from "./sync/options.ts";
import { nameHook, planTasks, type SyncTask } from "./sync/tasks.ts";
import type { Application, OperationState } from "./types/application.ts";

/** A sync and what it works on. */
export interface SyncRequest {
  readonly application: Application;
  readonly operation: OperationState;
  readonly revision: string;
  readonly state: ApplicationState;
}

/** The tasks of a sync, from what was compared and what is asked for. */
export async function tasksOf(
  client: ResourceClient,
  { application, operation, revision, state }: SyncRequest,
  options: SyncOptions,
): Promise<SyncTask[]> {
  const sync = operation.operation.sync ?? {};
  const partial = (sync.resources?.length ?? 0) > 0;
  const chosen = (object: Manifest) =>
    !partial ||
    sync.resources?.some(
      ({ group = "", kind, name, namespace }) =>
        group === groupOf(object) &&
        kind === object.kind &&
        name === object.metadata.name &&
        (namespace === undefined || namespace === "" || namespace === object.metadata.namespace),
    ) === true;
  const liveBy = new Map(state.live.objects.map((object) => [keyText(keyOf(object)), object]));
  const startedAt = Math.floor(Date.parse(operation.startedAt) / 1000);
  const resources: { target?: Manifest; live?: Manifest }[] = [];
  for (const { target, live } of state.comparison.resources) {
    const object = target ?? live;
    if (object === undefined || !chosen(object) || (target === undefined && isHook(object.metadata)))
      continue;
    resources.push({ ...(target === undefined ? {} : { target }), ...(live === undefined ? {} : { live }) });
  }
  for (const hook of (state.targets ?? []).filter(({ metadata }) => isHook(metadata))) {
    const target = nameHook(hook, revision, "Sync", startedAt);
    const live = liveBy.get(keyText(keyOf(target)));
    resources.push({ target, ...(live === undefined ? {} : { live }) });
  }
  const namespace = await namespaceTask(client, application, state, options);
  return planTasks({
    resources,
    skipHooks: partial || sync.syncStrategy?.apply !== undefined,
    destinationNamespace: application.spec.destination.namespace ?? "",
    ...(namespace === undefined ? {} : { namespace }),
    pruneLast: (live) => optionOf("PruneLast", live.metadata, options) === "true",
  });
}

/** `CreateNamespace=true`: the destination namespace, when it is missing or its metadata are managed. */
async function namespaceTask(
  client: ResourceClient,
  application: Application,
  state: ApplicationState,
  options: SyncOptions,
) {
  const { namespace = "" } = application.spec.destination;
  if (!optionIs(options, "CreateNamespace") || namespace === "") return undefined;
  if (state.targets?.some((target) => target.kind === "Namespace" && target.metadata.name === namespace))
    return undefined;
  const managed = application.spec.syncPolicy?.managedNamespaceMetadata;
  const target: Manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, ...managed } };
  const kind = kindOf(state, target);
  const live = kind === undefined ? undefined : await getOrUndefined(client, kind, target);
  if (live !== undefined && managed === undefined) return undefined;
  return { target, ...(live === undefined ? {} : { live }) };
}

/** Why a task cannot be done at all: its kind is not served, or the project forbids it. */
export function refusalOfTask(
  task: SyncTask,
  state: ApplicationState,
  tasks: readonly SyncTask[],
  application: Application,
): string | undefined {
  const object = task.target ?? task.live;
  if (object === undefined) return undefined;
  const found = state.catalogue.find(object);
  const { group, kind, namespace, name } = task.key;
  const where = namespace === "" ? name : `${namespace}/${name}`;
  if (found === undefined) {
    const defined = tasks.some(
      ({ target }) => target?.kind === "CustomResourceDefinition" && definesKind(target, group, kind),
    );
    if (defined) return undefined;
    return `The Kubernetes API could not find ${group}/${kind} for requested resource ${where}. Make sure the "${kind}" CRD is installed on the destination cluster.`;
  }
  if ("otherVersion" in found) {
    return `The Kubernetes API could not find version "${versionOf(object)}" of ${group}/${kind} for requested resource ${where}. Version "${found.otherVersion}" of ${group}/${kind} is installed on the destination cluster.`;
  }
  if (state.project === undefined || isOwnNamespace(task, application)) return undefined;
  return kindRefusal(state.project, { group, kind, namespaced: found.kind.namespaced });
}

function definesKind(definition: Manifest, group: string, kind: string): boolean {
  const spec = definition["spec"] as { group?: string; names?: { kind?: string } } | undefined; // a CRD's own shape
  return spec?.group === group && spec?.names?.kind === kind;
}

export const isOwnNamespace = ({ key, target }: SyncTask, application: Application): boolean =>
  target !== undefined &&
  key.kind === "Namespace" &&
  key.group === "" &&
  key.name === application.spec.destination.namespace;

export function onlyOutOfSync(tasks: readonly SyncTask[], state: ApplicationState): readonly SyncTask[] {
  const synced = new Set(
    state.comparison.resources
      .filter(({ status }) => status.status === "Synced")
      .map(({ key }) => keyText(key)),
  );
  return tasks.filter((task) => task.hook || !synced.has(keyText(task.key)));
}

export const optionIs = (options: SyncOptions, name: string): boolean => options.get(name) === "true";

export function kindOf(state: ApplicationState, object: Manifest): Kind<Manifest> | undefined {
  const found = state.catalogue.find(object);
  return found !== undefined && "kind" in found ? found.kind : undefined;
}

/** A kind whose definition this very sync created is not in the catalogue yet. */
export async function kindNow(
  client: ResourceClient,
  state: ApplicationState,
  object: Manifest,
): Promise<Kind<Manifest> | undefined> {
  const known = kindOf(state, object);
  if (known !== undefined) return known;
  const found = (await discoverKinds(client)).find(object);
  return found !== undefined && "kind" in found ? found.kind : undefined;
}
