/** Where a platform listens, all on 127.0.0.1. 0: any free port. */
export interface Ports {
  readonly api: number;
  readonly prometheus: number;
  readonly jaeger: number;
}

/** The ports of the lab that the example comes from; NodePorts 30100 to 30104 are kept free for the platform. */
export const usualPorts: Ports = { api: 6443, prometheus: 30102, jaeger: 30103 };
export const freePorts: Ports = { api: 0, prometheus: 0, jaeger: 0 };
export const reservedNodePorts = [30100, 30101, 30102, 30103, 30104] as const;
