import { keyOf, type Manifest, type ResourceKey, versionOf } from "../manifest.ts";
import type { ResourceResult, SyncPhase } from "../types/application.ts";
import { isHook, isSkipped, waveOf } from "./hooks.ts";

/** One thing to do in one phase of a sync: apply a target, run a hook, or prune (no target). */
export interface SyncTask {
  readonly key: ResourceKey;
  /** The namespace that its result names. ⚠ Of a target without one it is the destination's, as upstream. */
  readonly resultNamespace: string;
  readonly version: string;
  readonly phase: SyncPhase;
  readonly wave: number;
  readonly hook: boolean;
  readonly target?: Manifest;
  readonly live?: Manifest;
}

export interface TaskInput {
  readonly destinationNamespace: string;
  /** Targets and tracked live objects, joined by key. */
  readonly resources: readonly { readonly target?: Manifest; readonly live?: Manifest }[];
  /** Hooks, once for each of their phases, each with its live object, if any. */
  readonly hooks?: readonly {
    readonly target: Manifest;
    readonly phase: SyncPhase;
    readonly live?: Manifest;
  }[];
  /** The namespace to be made by CreateNamespace=true, if it is needed. */
  readonly namespace?: { readonly target: Manifest; readonly live?: Manifest };
  /** Pruning waits for everything else (`PruneLast=true`). */
  readonly pruneLast: (live: Manifest) => boolean;
}

const phases: readonly SyncPhase[] = ["PreSync", "Sync", "PostSync", "SyncFail"];

/** The tasks of a sync in the order in which they are to be done. */
export function planTasks(input: TaskInput): SyncTask[] {
  const { destinationNamespace, resources, hooks = [], namespace, pruneLast } = input;
  const tasks: SyncTask[] = [];
  const add = (phase: SyncPhase, wave: number, hook: boolean, target?: Manifest, live?: Manifest) => {
    const object = target ?? live;
    if (object === undefined) return;
    const key = keyOf(object);
    const bare = target === undefined || target === namespace?.target;
    tasks.push({
      key,
      resultNamespace: key.namespace === "" && !bare ? destinationNamespace : key.namespace,
      version: versionOf(object),
      phase,
      wave,
      hook,
      ...(target === undefined ? {} : { target }),
      ...(live === undefined ? {} : { live }),
    });
  };
  if (namespace !== undefined) add("PreSync", 0, false, namespace.target, namespace.live);
  for (const { target, live } of resources) {
    if (target === undefined) {
      if (live !== undefined && !isHook(live.metadata) && !isSkipped(live.metadata))
        add("Sync", waveOf(live.metadata), false, undefined, live);
      continue;
    }
    if (!isHook(target.metadata) && !isSkipped(target.metadata))
      add("Sync", waveOf(target.metadata), false, target, live);
  }
  for (const { target, phase, live } of hooks) add(phase, waveOf(target.metadata), true, target, live);
  return pullAhead(mirrorPrunes(tasks, pruneLast).sort(compareTasks));
}

/** Prunes go in the opposite order of waves; PruneLast puts them after everything. */
function mirrorPrunes(tasks: readonly SyncTask[], pruneLast: (live: Manifest) => boolean): SyncTask[] {
  const waves = [...new Set(tasks.filter(isPrune).map(({ wave }) => wave))].sort((a, b) => a - b);
  const mirrored = new Map(waves.map((wave, index) => [wave, waves[waves.length - 1 - index] ?? wave]));
  const last = Math.max(0, ...tasks.filter(({ phase }) => phase === "Sync").map(({ wave }) => wave)) + 1;
  return tasks.map((task) => {
    if (!isPrune(task)) return task;
    if (task.live !== undefined && pruneLast(task.live)) return { ...task, wave: last };
    return { ...task, wave: mirrored.get(task.wave) ?? task.wave };
  });
}

/** A Namespace goes before what lives in it, a definition before its first object, taking over their phase and wave. */
function pullAhead(sorted: readonly SyncTask[]): SyncTask[] {
  const tasks = [...sorted];
  for (const task of sorted.filter(isBase)) {
    const first = tasks.findIndex((other) => !isPrune(other) && other !== task && dependsOn(other, task));
    const at = tasks.indexOf(task);
    if (isPrune(task) || first < 0 || first > at) continue;
    const dependant = tasks[first];
    if (dependant === undefined) continue;
    tasks.splice(at, 1);
    tasks.splice(first, 0, { ...task, phase: dependant.phase, wave: dependant.wave });
  }
  return tasks;
}

const isBase = ({ key, target }: SyncTask): boolean =>
  target !== undefined && (key.kind === "Namespace" || key.kind === "CustomResourceDefinition");

function dependsOn(task: SyncTask, base: SyncTask): boolean {
  const definition = base.target;
  if (definition === undefined) return false;
  if (base.key.kind === "Namespace" && base.key.group === "") return task.key.namespace === base.key.name;
  if (base.key.kind !== "CustomResourceDefinition") return false;
  const spec = definition["spec"] as { group?: string; names?: { kind?: string } } | undefined; // a CRD's own shape
  return spec?.group === task.key.group && spec?.names?.kind === task.key.kind;
}

export const isPrune = (task: SyncTask): boolean => task.target === undefined;

export function compareTasks(a: SyncTask, b: SyncTask): number {
  return (
    phases.indexOf(a.phase) - phases.indexOf(b.phase) ||
    (a.wave === b.wave ? 0 : a.wave - b.wave) ||
    kindRank(a.key) - kindRank(b.key) ||
    (a.key.name < b.key.name ? -1 : a.key.name > b.key.name ? 1 : 0)
  );
}

/** What is created before what within a wave, as upstream lists it. */
const kindOrder = [
  "Namespace",
  "NetworkPolicy",
  "ResourceQuota",
  "LimitRange",
  "PodSecurityPolicy",
  "PodDisruptionBudget",
  "ServiceAccount",
  "Secret",
  "SecretList",
  "ConfigMap",
  "StorageClass",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleList",
  "ClusterRoleBinding",
  "ClusterRoleBindingList",
  "Role",
  "RoleList",
  "RoleBinding",
  "RoleBindingList",
  "Service",
  "DaemonSet",
  "Pod",
  "ReplicationController",
  "ReplicaSet",
  "Deployment",
  "HorizontalPodAutoscaler",
  "StatefulSet",
  "Job",
  "CronJob",
  "IngressClass",
  "Ingress",
  "APIService",
];

export function kindRank({ kind }: Pick<ResourceKey, "kind">): number {
  const rank = kindOrder.indexOf(kind);
  return rank < 0 ? kindOrder.length : rank;
}

/** The recorded result of a task, if it has begun. */
export function resultOf(task: SyncTask, results: readonly ResourceResult[]): ResourceResult | undefined {
  let known = indexes.get(results);
  if (known === undefined) {
    known = new Map(results.toReversed().map((result) => [resultKey(result), result])); // the first of each counts
    indexes.set(results, known);
  }
  return known.get(taskKey(task));
}

/** A sync may have thousands of results, each looked for several times a pass. */
const indexes = new WeakMap<readonly ResourceResult[], ReadonlyMap<string, ResourceResult>>();

/** What tells a task apart, as `resultKey` does with results. */
export const taskKey = ({ key, resultNamespace, phase }: SyncTask): string =>
  `${key.group}/${key.kind}/${resultNamespace}/${key.name}/${phase}`;

export const resultKey = ({ group, kind, namespace = "", name, syncPhase }: ResourceResult): string =>
  `${group}/${kind}/${namespace}/${name}/${syncPhase}`;

/** `group/Kind/name`, as messages name a task; nothing stands for the core group. */
export const taskText = ({ key }: SyncTask): string => `${key.group}/${key.kind}/${key.name}`;

/** A hook that only has `generateName` gets one name a sync and phase, so that a resumed sync finds it again. */
export function nameHook(
  target: Manifest,
  revision: string,
  phase: SyncPhase,
  startedAtSeconds: number,
): Manifest {
  if (target.metadata.name !== undefined && target.metadata.name !== "") return target;
  const name = `${target.metadata.generateName ?? ""}${revision.slice(0, 7)}-${phase.toLowerCase()}-${startedAtSeconds}`;
  const { generateName: _generateName, ...metadata } = target.metadata;
  return { ...target, metadata: { ...metadata, name } };
}
