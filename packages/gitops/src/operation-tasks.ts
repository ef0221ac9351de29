import type { Kind, ResourceClient } from "@tracegate/kube";
import type { ApplicationState } from "./application-state.ts";
import { getOrUndefined } from "./apply.ts";
import { discoverKinds } from "./kinds.ts";
import { groupOf, keyOf, keyText, type Manifest, versionOf } from "./manifest.ts";
import { resourceRefusal } from "./project.ts";
import { isHook, phasesOf } from "./sync/hooks.ts";
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
  // A partial sync and one that only applies leave hooks out.
  const withHooks = !partial && sync.syncStrategy?.apply === undefined;
  const hooks = (withHooks ? (state.targets ?? []) : []).flatMap((hook) =>
    phasesOf(hook.metadata).map((phase) => {
      const target = nameHook(hook, revision, phase, startedAt);
      const live = liveBy.get(keyText(keyOf(target)));
      return { target, phase, ...(live === undefined ? {} : { live }) };
    }),
  );
  const namespace = await namespaceTask(client, application, state, options);
  return planTasks({
    destinationNamespace: application.spec.destination.namespace ?? "",
    resources,
    hooks,
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
  { application, state }: Pick<SyncRequest, "application" | "state">,
  options: SyncOptions,
): string | undefined {
  const object = task.target ?? task.live;
  if (object === undefined) return undefined;
  const found = state.catalogue.find(object);
  if (found !== undefined && "kind" in found) {
    if (state.project === undefined) return undefined;
    const { namespaced } = found.kind;
    return resourceRefusal(state.project, { ...task.key, namespaced }, application.spec.destination);
  }
  const { group, kind, namespace, name } = task.key;
  const defined = state.targets?.some((target) => definesKind(target, group, kind)) === true;
  const tolerated =
    optionOf("SkipDryRunOnMissingResource", task.target?.metadata, options) === "true" || defined;
  if (tolerated) return undefined;
  const where = namespace === "" ? name : `${namespace}/${name}`;
  // ⚠ The same kind of another group is told of, too, as upstream.
  const other = state.catalogue.all.find((one) => one.kind === kind);
  const installed = found === undefined ? other : { group, version: found.otherVersion };
  if (installed === undefined)
    return `The Kubernetes API could not find ${group}/${kind} for requested resource ${where}. Make sure the "${kind}" CRD is installed on the destination cluster.`;
  return `The Kubernetes API could not find version "${versionOf(object)}" of ${group}/${kind} for requested resource ${where}. Version "${installed.version}" of ${installed.group}/${kind} is installed on the destination cluster.`;
}

function definesKind(definition: Manifest, group: string, kind: string): boolean {
  if (definition.kind !== "CustomResourceDefinition") return false;
  const spec = definition["spec"] as { group?: string; names?: { kind?: string } } | undefined; // a CRD's own shape
  return spec?.group === group && spec?.names?.kind === kind;
}

export const isOwnNamespace = ({ key, target }: SyncTask, application: Application): boolean =>
  target !== undefined &&
  key.kind === "Namespace" &&
  key.group === "" &&
  key.name === application.spec.destination.namespace;

/** Whether a task would apply what is there already; hooks and prunes are always to be done. */
export function isNeedless(state: ApplicationState): (task: SyncTask) => boolean {
  const synced = new Set(
    state.comparison.resources
      .filter(({ status }) => status.status === "Synced")
      .map(({ key }) => keyText(key)),
  );
  return (task) => !task.hook && task.target !== undefined && synced.has(keyText(task.key));
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
