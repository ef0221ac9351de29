import type { Duplex } from "node:stream";

/**
 * Cluster names and addresses as the control plane's own clients see them (metric providers, exporters, scraping).
 * Controllers reach telemetry only through this and public protocols, so embedded stores and a user's own are
 * interchangeable.
 */
export interface ClusterNetwork {
  /**
   * The addresses of a host name: `SERVICE.NAMESPACE.svc.cluster.local` and its short forms, an IP, or any name the
   * surrounding system knows. Rejects with Go's wording, `lookup HOST on 10.96.0.10:53: no such host`.
   */
  resolve(host: string): Promise<string[]>;
  /** A connection to host:port; rejects with Go's wording (`dial tcp IP:PORT: connect: connection refused`). */
  dial(host: string, port: number): Promise<Duplex>;
}
