import type { PodForState } from "@tracegate/metrics";

/** What the metrics worker is started with. Plain data: it crosses to another thread. */
export interface MetricsWorkerData {
  readonly directory: string;
  readonly port: number;
  /** Where the cluster's Service `prometheus-server` is forwarded to. */
  readonly unixPath: string;
  /** The node agent, through which pods are dialled. */
  readonly agentSocket: string;
  readonly scrapeIntervalMs: number;
}

export interface TracesWorkerData {
  readonly database: string;
  readonly port: number;
  /** Where the cluster's Service `jaeger-query` is forwarded to. */
  readonly queryPath: string;
  /** Where `jaeger-collector` is forwarded to: OTLP over gRPC and HTTP. */
  readonly grpcPath: string;
  readonly httpPath: string;
}

export type ToWorker =
  | { readonly type: "pods"; readonly pods: readonly PodForState[] }
  | { readonly type: "stop" };

export type FromWorker =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly message: string; readonly code?: string };
