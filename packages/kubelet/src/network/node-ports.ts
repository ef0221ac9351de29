import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Log } from "@tracegate/controller-runtime";
import type { Service } from "@tracegate/kube";
import type { Sandbox } from "../sandbox.ts";

interface OpenPort {
  readonly server: Server;
  target: { clusterIP: string; port: number };
}

/** Listens on 127.0.0.1 for every node port and relays to the service's own address inside. */
export class NodePorts {
  readonly #sandbox: Pick<Sandbox, "dial">;
  readonly #log: Log;
  readonly #host: string;
  readonly #open = new Map<number, OpenPort>();

  constructor(options: { sandbox: Pick<Sandbox, "dial">; log: Log; host?: string }) {
    this.#sandbox = options.sandbox;
    this.#log = options.log;
    this.#host = options.host ?? "127.0.0.1";
  }

  async update(services: readonly Service[]): Promise<void> {
    const wanted = new Map<number, OpenPort["target"]>();
    for (const { spec } of services) {
      const { type, clusterIP, ports = [] } = spec;
      if ((type !== "NodePort" && type !== "LoadBalancer") || clusterIP === undefined) continue;
      for (const { nodePort, port, protocol = "TCP" } of ports) {
        if (nodePort !== undefined && nodePort !== 0 && protocol === "TCP")
          wanted.set(nodePort, { clusterIP, port });
      }
    }
    for (const [nodePort, { server }] of this.#open) {
      if (wanted.has(nodePort)) continue;
      server.close();
      this.#open.delete(nodePort);
    }
    for (const [nodePort, target] of wanted) {
      const known = this.#open.get(nodePort);
      if (known !== undefined) known.target = target;
      else await this.#listen(nodePort, target);
    }
  }

  async #listen(nodePort: number, target: OpenPort["target"]): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const entry: OpenPort = { server, target };
    server.on("connection", (client) => void this.#relay(client, entry));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(nodePort, this.#host, resolve);
      });
      this.#open.set(nodePort, entry);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#log.warn({ nodePort, error: words }, `node port ${nodePort} cannot be served`);
    }
  }

  async #relay(client: Socket, { target }: OpenPort): Promise<void> {
    client.on("error", () => {});
    try {
      joinStreams(client, await this.#sandbox.dial(target.clusterIP, target.port));
    } catch {
      client.resetAndDestroy();
    }
  }

  close(): void {
    for (const { server } of this.#open.values()) server.close();
    this.#open.clear();
  }
}

/** Copies both ways, half-closes included; an error on one side ends the other. */
export function joinStreams(left: Duplex, right: Duplex): void {
  const pair = (from: Duplex, to: Duplex) => {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.once("close", () => {
      if (!from.readableEnded) to.destroy();
    });
  };
  pair(left, right);
  pair(right, left);
}
