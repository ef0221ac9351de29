import { createServer, type Server, type Socket } from "node:net";
import { type Backend, backendOrder } from "../network/balance.ts";
import type { ServiceBackends } from "./protocol.ts";
import { dialInside, type Reach } from "./reach.ts";
import { joinSockets } from "./relay.ts";

interface Entry {
  server: Server;
  backends: (Backend & { active: number })[];
  turn: number;
}

/**
 * Listens on every ClusterIP:port that has a ready endpoint and spreads connections over them. A service without one
 * has no listener, so the kernel refuses its connections as a cluster's packet filter does. Open connections live on
 * when their endpoint leaves the configuration, as they do behind kube-proxy.
 */
export class ServiceProxy {
  readonly #entries = new Map<string, Entry>();
  readonly #reach: Reach;
  readonly #log: (message: string) => void;
  #last: Promise<void> = Promise.resolve();

  constructor(reach: Reach, log: (message: string) => void) {
    this.#reach = reach;
    this.#log = log;
  }

  /** Makes the listeners those of `services`; calls are carried out one after another. */
  update(services: readonly ServiceBackends[]): Promise<void> {
    this.#last = this.#last.then(() => this.#apply(services));
    return this.#last;
  }

  async #apply(services: readonly ServiceBackends[]): Promise<void> {
    const wanted = new Map(
      services
        .filter(({ endpoints }) => endpoints.length > 0)
        .map((service) => [`${service.clusterIP}:${service.port}`, service]),
    );
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      entry.server.close();
      this.#entries.delete(key);
    }
    for (const [key, service] of wanted) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) {
        entry.backends = service.endpoints.map(
          ({ ip, port }) =>
            entry.backends.find((known) => known.ip === ip && known.port === port) ?? { ip, port, active: 0 },
        );
        continue;
      }
      try {
        this.#entries.set(key, await this.#open(service));
      } catch (error) {
        this.#log(
          `service proxy: cannot listen on ${key}: ${error instanceof Error ? error.message : error}`,
        );
      }
    }
  }

  async #open(service: ServiceBackends): Promise<Entry> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    const entry: Entry = {
      server,
      backends: service.endpoints.map(({ ip, port }) => ({ ip, port, active: 0 })),
      turn: 0,
    };
    server.on("connection", (client) => void connectToBackend(this.#reach, entry, client));
    await this.#reach.listen(server, service.clusterIP, service.port);
    server.on("error", (error) => this.#log(`service proxy: ${error.message}`));
    return entry;
  }
}

/** An endpoint that refuses is left for the next; with none left the client's connection is reset. */
async function connectToBackend(reach: Reach, entry: Entry, client: Socket): Promise<void> {
  client.on("error", () => {});
  const order = backendOrder(entry.backends, entry.turn);
  entry.turn += 1;
  for (const backend of order) {
    backend.active += 1;
    try {
      const upstream = await dialInside(reach, backend.ip, backend.port);
      joinSockets(client, upstream, () => {
        backend.active -= 1;
      });
      return;
    } catch {
      backend.active -= 1;
    }
  }
  client.resetAndDestroy();
}
