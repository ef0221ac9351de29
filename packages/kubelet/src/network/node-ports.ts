import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { EventRecorder } from "@tracegate/controller-runtime";
import type { Service } from "@tracegate/kube";
import type { Sandbox } from "../sandbox.ts";

interface Target {
  readonly clusterIP: string;
  readonly port: number;
}

interface OpenPort {
  readonly server: Server;
  target: Target;
}

/**
 * Listens on 127.0.0.1 for every node port and relays to the service's own address inside. A port that another program
 * holds is told once, as an Event of the Service, and tried again at every update.
 */
export class NodePorts {
  readonly #sandbox: Pick<Sandbox, "dial">;
  readonly #events: EventRecorder;
  readonly #host: string;
  readonly #open = new Map<number, OpenPort>();
  readonly #told = new Set<number>();

  constructor(options: { sandbox: Pick<Sandbox, "dial">; events: EventRecorder; host?: string }) {
    this.#sandbox = options.sandbox;
    this.#events = options.events;
    this.#host = options.host ?? "127.0.0.1";
  }

  /** Serves the node ports of `services` and no others; says how many cannot be served now. */
  async update(services: readonly Service[]): Promise<{ unserved: number }> {
    const wanted = new Map<number, Target & { readonly service: Service }>();
    for (const service of services) {
      const { type, clusterIP, ports = [] } = service.spec;
      if ((type !== "NodePort" && type !== "LoadBalancer") || clusterIP === undefined) continue;
      for (const { nodePort, port, protocol = "TCP" } of ports) {
        if (nodePort !== undefined && nodePort !== 0 && protocol === "TCP")
          wanted.set(nodePort, { clusterIP, port, service });
      }
    }
    for (const [nodePort, { server }] of this.#open) {
      if (wanted.has(nodePort)) continue;
      server.close();
      this.#open.delete(nodePort);
    }
    let unserved = 0;
    for (const [nodePort, target] of wanted) {
      const known = this.#open.get(nodePort);
      if (known !== undefined) known.target = target;
      else if (!(await this.#listen(nodePort, target))) unserved += 1;
    }
    return { unserved };
  }

  async #listen(nodePort: number, target: Target & { readonly service: Service }): Promise<boolean> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const entry: OpenPort = { server, target };
    server.on("connection", (client) => void this.#relay(client, entry));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(nodePort, this.#host, resolve);
      });
      this.#open.set(nodePort, entry);
      this.#told.delete(nodePort);
      return true;
    } catch (error) {
      if (!this.#told.has(nodePort)) {
        const words = error instanceof Error ? error.message : String(error);
        const advice = "end the program that holds it, or choose another nodePort";
        const message = `node port ${nodePort} is not served on ${this.#host}: ${words}; ${advice}`;
        this.#events.event(target.service, "Warning", "NodePortNotServed", message);
      }
      this.#told.add(nodePort);
      return false;
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
