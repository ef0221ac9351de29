import type { Discovered, PodForDiscovery, ScrapeJob } from "@tracegate/scrape";

interface Terminated {
  readonly reason?: string;
  readonly exitCode?: number;
}

interface ContainerStatusForState {
  readonly name: string;
  readonly image?: string;
  readonly imageID?: string;
  readonly containerID?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: {
    readonly running?: { readonly startedAt?: string };
    readonly waiting?: { readonly reason?: string };
    readonly terminated?: Terminated;
  };
  readonly lastState?: { readonly terminated?: Terminated };
}

/** What state metrics read of a Pod, beyond what discovery does. */
export interface PodForState extends PodForDiscovery {
  readonly metadata: PodForDiscovery["metadata"] & { readonly creationTimestamp?: string };
  readonly status?: NonNullable<PodForDiscovery["status"]> & {
    readonly startTime?: string;
    readonly containerStatuses?: readonly ContainerStatusForState[];
  };
}

/** The job under which the prometheus-community chart scrapes kube-state-metrics; its series keep their own labels. */
export const stateMetricsJob = (intervalMs: number): ScrapeJob => ({
  name: "kubernetes-service-endpoints",
  intervalMs,
  honorLabels: true,
});

export const STATE_METRICS_TARGET: Discovered = {
  __address__: "prometheus-kube-state-metrics.prometheus.svc.cluster.local:8080",
  namespace: "prometheus",
  service: "prometheus-kube-state-metrics",
};

type LabelPairs = Readonly<Record<string, string>>;
type Sample = readonly [labels: LabelPairs, value: number];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly samples: (pod: PodForState) => readonly Sample[];
}

const PHASES = ["Pending", "Succeeded", "Failed", "Unknown", "Running"];
const bit = (on: boolean | undefined) => (on ? 1 : 0);
const unixSeconds = (time: string) => Date.parse(time) / 1000;
const statuses = (pod: PodForState) => pod.status?.containerStatuses ?? [];

/** A family with one sample per container that has a status. */
function perContainer(
  name: string,
  help: string,
  sample: (status: ContainerStatusForState) => Sample | undefined,
  type: Family["type"] = "gauge",
): Family {
  return {
    name,
    help,
    type,
    samples: (pod) =>
      statuses(pod).flatMap((status) => {
        const found = sample(status);
        return found === undefined ? [] : [[{ container: status.name, ...found[0] }, found[1]] as const];
      }),
  };
}

/** One sample that names the current reason, none while there is none. */
const reason = (text: string | undefined): Sample | undefined => (text ? [{ reason: text }, 1] : undefined);

function conditionFamily(name: string, help: string, condition: string): Family {
  return {
    name,
    help,
    type: "gauge",
    samples(pod) {
      const status = pod.status?.conditions?.find(({ type }) => type === condition)?.status.toLowerCase();
      if (status === undefined) return [];
      return ["true", "false", "unknown"].map(
        (value) => [{ condition: value }, bit(status === value)] as const,
      );
    },
  };
}

const FAMILIES: readonly Family[] = [
  {
    name: "kube_pod_info",
    help: "Information about pod.",
    type: "gauge",
    samples({ metadata, spec, status }) {
      const owner = metadata.ownerReferences?.find(({ controller }) => controller);
      const labels = {
        host_ip: status?.hostIP ?? "",
        pod_ip: status?.podIP ?? "",
        node: spec?.nodeName ?? "",
        created_by_kind: owner?.kind ?? "<none>",
        created_by_name: owner?.name ?? "<none>",
      };
      return [[labels, 1]];
    },
  },
  {
    name: "kube_pod_owner",
    help: "Information about the Pod's owner.",
    type: "gauge",
    samples({ metadata }) {
      const owners = metadata.ownerReferences ?? [];
      if (owners.length === 0) return [[{ owner_kind: "", owner_name: "", owner_is_controller: "" }, 1]];
      return owners.map(({ kind, name, controller }) => [
        { owner_kind: kind, owner_name: name, owner_is_controller: String(controller ?? false) },
        1,
      ]);
    },
  },
  {
    name: "kube_pod_created",
    help: "Unix creation timestamp",
    type: "gauge",
    samples: ({ metadata }) =>
      metadata.creationTimestamp === undefined ? [] : [[{}, unixSeconds(metadata.creationTimestamp)]],
  },
  {
    name: "kube_pod_start_time",
    help: "Start time in unix timestamp for a pod.",
    type: "gauge",
    samples: ({ status }) => (status?.startTime === undefined ? [] : [[{}, unixSeconds(status.startTime)]]),
  },
  {
    name: "kube_pod_status_phase",
    help: "The pods current phase.",
    type: "gauge",
    samples: ({ status }) =>
      status?.phase === undefined
        ? []
        : PHASES.map((phase) => [{ phase }, bit(status.phase === phase)] as const),
  },
  conditionFamily("kube_pod_status_ready", "Describes whether the pod is ready to serve requests.", "Ready"),
  conditionFamily(
    "kube_pod_status_scheduled",
    "Describes the status of the scheduling process.",
    "PodScheduled",
  ),
  perContainer("kube_pod_container_info", "Information about a container in a pod.", (status) => [
    { image: status.image ?? "", image_id: status.imageID ?? "", container_id: status.containerID ?? "" },
    1,
  ]),
  perContainer(
    "kube_pod_container_status_ready",
    "Whether the containers readiness check succeeded.",
    ({ ready }) => [{}, bit(ready)],
  ),
  perContainer(
    "kube_pod_container_status_restarts_total",
    "The number of container restarts per container.",
    ({ restartCount }) => [{}, restartCount ?? 0],
    "counter",
  ),
  perContainer("kube_pod_container_status_running", "Whether the container is running.", ({ state }) => [
    {},
    bit(state?.running !== undefined),
  ]),
  perContainer("kube_pod_container_status_waiting", "Whether the container is waiting.", ({ state }) => [
    {},
    bit(state?.waiting !== undefined),
  ]),
  perContainer("kube_pod_container_status_waiting_reason", "Why the container is waiting.", ({ state }) =>
    reason(state?.waiting?.reason),
  ),
  perContainer("kube_pod_container_status_terminated", "Whether the container has ended.", ({ state }) => [
    {},
    bit(state?.terminated !== undefined),
  ]),
  perContainer("kube_pod_container_status_terminated_reason", "Why the container has ended.", ({ state }) =>
    reason(state?.terminated?.reason),
  ),
  perContainer(
    "kube_pod_container_status_last_terminated_reason",
    "Why it ended the last time.",
    ({ lastState }) => reason(lastState?.terminated?.reason),
  ),
  perContainer(
    "kube_pod_container_status_last_terminated_exitcode",
    "How it ended the last time.",
    ({ lastState }) =>
      lastState?.terminated?.exitCode === undefined ? undefined : [{}, lastState.terminated.exitCode],
  ),
  perContainer("kube_pod_container_state_started", "Start time in unix timestamp.", ({ state }) =>
    state?.running?.startedAt === undefined ? undefined : [{}, unixSeconds(state.running.startedAt)],
  ),
];

/** What kube-state-metrics exposes about pods, in the text format. */
export function podStateMetrics(pods: readonly PodForState[]): string {
  return FAMILIES.map(({ name, help, type, samples }) => {
    const lines = pods.flatMap((pod) => {
      const { namespace, name: podName, uid = "" } = pod.metadata;
      return samples(pod).map(
        ([labels, value]) => `${name}${braces({ namespace, pod: podName, uid, ...labels })} ${value}\n`,
      );
    });
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  }).join("");
}

function braces(labels: LabelPairs): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(",")}}`;
}

const escaped = (text: string) =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
