import type { Discovered, ScrapeJob } from "./job.ts";

/** What pod discovery reads of a Pod; a plain Kubernetes object fits. */
export interface PodForDiscovery {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly spec?: {
    readonly nodeName?: string;
    readonly containers?: readonly {
      readonly name: string;
      readonly image?: string;
      readonly ports?: readonly {
        readonly name?: string;
        readonly containerPort: number;
        readonly protocol?: string;
      }[];
    }[];
  };
  readonly status?: {
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const META = "__meta_kubernetes_";

/** Discovery role `pod`: one entry per declared container port, one for a container without; pods without IP none. */
export function discoverPods(pods: readonly PodForDiscovery[]): Discovered[] {
  return pods.flatMap((pod) => {
    const ip = pod.status?.podIP;
    if (ip === undefined || ip === "") return [];
    const common = podLabels(pod, ip);
    return (pod.spec?.containers ?? []).flatMap((container): Discovered[] => {
      const named = {
        ...common,
        [`${META}pod_container_init`]: "false",
        [`${META}pod_container_name`]: container.name,
        [`${META}pod_container_image`]: container.image ?? "",
      };
      const host = ip.includes(":") ? `[${ip}]` : ip;
      const ports = container.ports ?? [];
      if (ports.length === 0) return [{ ...named, __address__: host }];
      return ports.map(({ name, containerPort, protocol }) => ({
        ...named,
        __address__: `${host}:${containerPort}`,
        [`${META}pod_container_port_name`]: name ?? "",
        [`${META}pod_container_port_number`]: String(containerPort),
        [`${META}pod_container_port_protocol`]: protocol ?? "TCP",
      }));
    });
  });
}

function podLabels({ metadata, spec, status }: PodForDiscovery, ip: string): Record<string, string> {
  const controller = metadata.ownerReferences?.find((owner) => owner.controller);
  const labels: Record<string, string> = {
    [`${META}namespace`]: metadata.namespace,
    [`${META}pod_name`]: metadata.name,
    [`${META}pod_ip`]: ip,
    [`${META}pod_host_ip`]: status?.hostIP ?? "",
    [`${META}pod_uid`]: metadata.uid ?? "",
    [`${META}pod_node_name`]: spec?.nodeName ?? "",
    [`${META}pod_phase`]: status?.phase ?? "",
    [`${META}pod_ready`]: (
      status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "unknown"
    ).toLowerCase(),
    [`${META}pod_controller_kind`]: controller?.kind ?? "",
    [`${META}pod_controller_name`]: controller?.name ?? "",
  };
  const spread = (kind: string, map: Readonly<Record<string, string>> = {}) => {
    for (const [key, value] of Object.entries(map)) {
      const name = key.replaceAll(/[^a-zA-Z0-9_]/g, "_");
      labels[`${META}pod_${kind}_${name}`] = value;
      labels[`${META}pod_${kind}present_${name}`] = "true";
    }
  };
  spread("label", metadata.labels);
  spread("annotation", metadata.annotations);
  return labels;
}

/**
 * The `kubernetes-pods` job of the prometheus-community chart: pods that ask for it by `prometheus.io/scrape: "true"`,
 * at the port, path and scheme of their annotations, with their own labels mapped over.
 */
export function kubernetesPodsJob(intervalMs: number): ScrapeJob {
  const annotation = (name: string) => `${META}pod_annotation_prometheus_io_${name}`;
  return {
    name: "kubernetes-pods",
    intervalMs,
    honorLabels: true,
    relabel: [
      { action: "keep", sourceLabels: [annotation("scrape")], regex: "true" },
      { action: "drop", sourceLabels: [annotation("scrape_slow")], regex: "true" },
      { sourceLabels: [annotation("scheme")], regex: "(https?)", targetLabel: "__scheme__" },
      { sourceLabels: [annotation("path")], regex: "(.+)", targetLabel: "__metrics_path__" },
      {
        sourceLabels: [annotation("port"), `${META}pod_ip`],
        regex: "(\\d+);(([A-Fa-f0-9]{1,4}::?){1,7}[A-Fa-f0-9]{1,4})",
        replacement: "[$2]:$1",
        targetLabel: "__address__",
      },
      {
        sourceLabels: [annotation("port"), `${META}pod_ip`],
        regex: "(\\d+);((([0-9]+?)(\\.|$)){4})",
        replacement: "$2:$1",
        targetLabel: "__address__",
      },
      { action: "labelmap", regex: `${annotation("param_")}(.+)`, replacement: "__param_$1" },
      { action: "labelmap", regex: `${META}pod_label_(.+)` },
      { sourceLabels: [`${META}namespace`], targetLabel: "namespace" },
      { sourceLabels: [`${META}pod_name`], targetLabel: "pod" },
      { action: "drop", sourceLabels: [`${META}pod_phase`], regex: "Pending|Succeeded|Failed|Completed" },
      { sourceLabels: [`${META}pod_node_name`], targetLabel: "node" },
    ],
  };
}
