import type { AnalysisRun } from "@tracegate/analysis";
import type { KubeObject, ReplicaSet } from "@tracegate/kube";
import {
  type PodView,
  type ReplicaSetView,
  type RolloutObjects,
  type RunView,
  rolloutView,
  stateIcon,
} from "@tracegate/rollouts";

/** `RolloutInfo` of the original dashboard's API: what a Rollout and all that belongs to it look like. */
export type RolloutInfo = Readonly<Record<string, unknown>>;

/**
 * Puts together the answer about one Rollout. As the original's, it leaves out what is empty, zero or false. Without
 * `runs`, as in lists, AnalysisRuns are left out.
 */
export function rolloutInfo(
  objects: RolloutObjects,
  { runs = true }: { readonly runs?: boolean } = {},
): RolloutInfo {
  const { rollout } = objects;
  const { metadata, spec, status = {} } = rollout;
  const view = rolloutView(objects);
  const sets = view.revisions.flatMap(({ revision, replicaSets }) =>
    replicaSets.map((set) => replicaSetInfo(set, revision, objects)),
  );
  const { labels, annotations, uid, generation, creationTimestamp, resourceVersion } = metadata;
  // Where a workloadRef says whose template it is, the newest ReplicaSet has it.
  const [newest] = view.revisions.flatMap(({ replicaSets }) => replicaSets);
  const template =
    spec.template?.spec ??
    named<ReplicaSet>(objects.replicaSets, metadata.namespace, newest?.name ?? "")?.spec.template.spec;
  return filled({
    objectMeta: filled({
      ...{ name: view.name, namespace: view.namespace, uid, resourceVersion, generation },
      ...{ creationTimestamp, labels, annotations },
    }),
    status: view.phase,
    message: view.message,
    icon: stateIcon(view.phase).icon,
    strategy: view.strategy,
    step: view.step,
    setWeight: view.setWeight === undefined ? undefined : String(view.setWeight),
    actualWeight: view.actualWeight === undefined ? undefined : String(view.actualWeight),
    ready: view.ready,
    current: view.current,
    desired: view.desired,
    updated: view.updated,
    available: view.available,
    restartedAt: status.restartedAt === undefined ? "Never" : goTime(status.restartedAt),
    generation: status.observedGeneration,
    replicaSets: sets,
    analysisRuns: runs
      ? view.revisions.flatMap((revision) =>
          revision.runs.map((run) => runInfo(run, revision.revision, objects)),
        )
      : undefined,
    containers: template?.containers.map(({ name, image }) => filled({ name, image })),
    initContainers: template?.initContainers?.map(({ name, image }) => filled({ name, image })),
    steps: view.step === undefined ? undefined : spec.strategy?.canary?.steps,
  });
}

function replicaSetInfo(
  view: ReplicaSetView,
  revision: number,
  { rollout, replicaSets, pods }: RolloutObjects,
) {
  const { namespace } = rollout.metadata;
  const set = named<ReplicaSet>(replicaSets, namespace, view.name);
  const role = (name: string) => view.roles.includes(name);
  const template = set?.spec.template.spec;
  return filled({
    objectMeta: shortMetadata(set),
    status: view.status,
    icon: stateIcon(view.status).icon,
    revision,
    stable: role("stable"),
    canary: role("canary"),
    active: role("active"),
    preview: role("preview"),
    ping: role("ping"),
    pong: role("pong"),
    replicas: set?.status?.replicas,
    available: set?.status?.availableReplicas,
    scaleDownDeadline:
      view.scaleDownAt === undefined
        ? undefined
        : new Date(view.scaleDownAt).toISOString().replace(".000Z", "Z"),
    images: template?.containers.map(({ image }) => image),
    initContainerImages: template?.initContainers?.map(({ image }) => image),
    pods: view.pods.map((pod) => podInfo(pod, named(pods, namespace, pod.name))),
  });
}

const podInfo = ({ status, ready, restarts }: PodView, pod: KubeObject | undefined) =>
  filled({ objectMeta: shortMetadata(pod), status, icon: stateIcon(status).icon, ready, restarts });

function runInfo(view: RunView, revision: number, { rollout, analysisRuns }: RolloutObjects) {
  const run = named<AnalysisRun>(analysisRuns, rollout.metadata.namespace, view.name);
  const measured = (run?.status?.metricResults ?? []).flatMap(({ name, measurements = [] }) =>
    measurements.map((measurement) => ({ metricName: name, ...measurement })),
  );
  return filled({
    objectMeta: shortMetadata(run),
    icon: stateIcon(view.status, "run").icon,
    revision,
    status: view.status,
    successful: view.successful,
    failed: view.failed,
    inconclusive: view.inconclusive,
    error: view.error,
    jobs: measured.flatMap(({ metadata, phase, metricName, startedAt }) =>
      metadata?.["job-name"] === undefined
        ? []
        : [
            filled({
              objectMeta: filled({
                name: metadata["job-name"],
                namespace: metadata["job-namespace"] ?? run?.metadata.namespace,
                creationTimestamp: startedAt,
              }),
              status: phase,
              icon: stateIcon(phase, "run").icon,
              metricName,
              startedAt,
            }),
          ],
    ),
    nonJobInfo: measured.flatMap(({ metadata, value, phase, metricName, startedAt }) =>
      metadata === undefined ? [filled({ value, status: phase, metricName, startedAt })] : [],
    ),
    metrics: run?.spec.metrics?.map((metric) =>
      filled({
        name: metric.name,
        successCondition: metric.successCondition,
        count: whole(metric.count),
        inconclusiveLimit: whole(metric.inconclusiveLimit),
        failureLimit: whole(metric.failureLimit),
      }),
    ),
    specAndStatus: filled({ spec: run?.spec, status: run?.status }),
  });
}

const named = <T extends KubeObject>(
  objects: readonly T[],
  namespace: string | undefined,
  name: string,
): T | undefined =>
  objects.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);

function shortMetadata(object: KubeObject | undefined) {
  const { name, namespace, uid, creationTimestamp } = object?.metadata ?? {};
  return filled({ name, namespace, uid, creationTimestamp });
}

/** A limit that is given as text, to be filled in from an argument, is not shown. */
const whole = (value: number | string | undefined): number | undefined =>
  typeof value === "number" ? value : undefined;

/** A time as Go prints it. */
const goTime = (time: string): string => `${time.replace("T", " ").replace("Z", "")} +0000 UTC`;

function filled(fields: Record<string, unknown>): RolloutInfo {
  const empty = (value: unknown) =>
    value === undefined ||
    value === "" ||
    value === 0 ||
    value === false ||
    (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !empty(value)));
}
